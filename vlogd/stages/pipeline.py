"""The pipeline, in reading order: the stages of every video.

A stage comes after those that it needs or uses. To add one: an import and an entry here.
"""

from vlogd.stages.captions import STAGE as CAPTIONS
from vlogd.stages.chapters import STAGE as CHAPTERS
from vlogd.stages.conformance import STAGE as VERIFY
from vlogd.stages.contract import check
from vlogd.stages.hls import STAGE as HLS
from vlogd.stages.manifests import STAGE as STREAM
from vlogd.stages.metadata import STAGE as META
from vlogd.stages.poster import STAGE as POSTER
from vlogd.stages.probe import STAGE as PROBE
from vlogd.stages.source import STAGE as SOURCE
from vlogd.stages.subtitles import STAGE as SUBTITLES

STAGES = check(SOURCE, PROBE, HLS, VERIFY, POSTER, CAPTIONS, SUBTITLES, CHAPTERS, STREAM, META)
