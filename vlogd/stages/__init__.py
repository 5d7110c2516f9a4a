"""The pipeline, in reading order: what is made of every video.

A stage stands below those that it needs. To add one: an import and an entry here.
"""

from vlogd.stage import check
from vlogd.stages import captions, hls, meta, poster, probe

STAGES = check(
    probe.STAGE,
    hls.STAGE,
    poster.STAGE,
    captions.STAGE,
    meta.STAGE,
)
