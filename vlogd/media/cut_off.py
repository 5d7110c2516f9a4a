"""Was an MP4 or QuickTime file cut off? Its last box of media data says how long it is (ISO/IEC 14496-12, 4.2)."""

from contextlib import suppress
from pathlib import Path

from vlogd.media import isobmff
from vlogd.media.isobmff import BoxError, TruncatedBox

_KIND_AT, _HEADER_BYTES = 4, 8


def is_cut_off(path: Path) -> bool:
    """Whether the index is there and not all of the data is. False for other formats. Raises OSError."""
    kinds: set[bytes] = set()
    position = 0
    with path.open("rb") as file, suppress(BoxError):
        try:
            for box in isobmff.walk(file):
                kinds.add(box.kind)
                position = box.end
        except TruncatedBox:
            file.seek(position)
            return b"moov" in kinds and file.read(_HEADER_BYTES)[_KIND_AT:] == b"mdat"
    return False
