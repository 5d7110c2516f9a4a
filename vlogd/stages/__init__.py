"""The pipeline, in reading order: what is made of every video.

A stage stands below those that it needs or uses. To add one: an import and an entry here.
"""

from vlogd.stage import check
from vlogd.stages.captions import STAGE as CAPTIONS
from vlogd.stages.chapters import STAGE as CHAPTERS
from vlogd.stages.hls import STAGE as HLS
from vlogd.stages.meta import STAGE as META
from vlogd.stages.poster import STAGE as POSTER
from vlogd.stages.probe import STAGE as PROBE
from vlogd.stages.stream import STAGE as STREAM
from vlogd.stages.subtitles import STAGE as SUBTITLES
from vlogd.stages.verify import STAGE as VERIFY

STAGES = check(PROBE, HLS, VERIFY, POSTER, CAPTIONS, SUBTITLES, CHAPTERS, STREAM, META)
