"""Which codecs ffmpeg decodes, by its own listing."""

from typing import Any

from vlogd.media import codec_support
from vlogd.media.process import Limits

LISTING = """Codecs:
 D..... = Decoding supported
 -------
 DEV.LS h264                 H.264 / AVC
 ..V.L. vvc                  H.266 / VVC
 .EV... encode_only          Nothing reads it
 D.A.L. atrac3               ATRAC3
"""


def stream(name: str | None, kind: str = "audio", **values: Any) -> dict[str, Any]:
    """A track as ffprobe describes it."""
    return {"codec_type": kind, **({"codec_name": name} if name else {}), **values}


def test_the_listing_is_read() -> None:
    """Its first flag counts."""
    assert {"h264", "atrac3"} <= codec_support.parse(LISTING)
    assert not codec_support.parse(LISTING) & {"vvc", "encode_only"}


def test_the_installed_ffmpeg_is_asked() -> None:
    """Only of tracks that are published."""
    streams = [stream("aac"), stream("4gv"), stream("mpegh_3d_audio", "data"), stream(None)]
    assert codec_support.undecodable(streams, Limits()) == {"4gv"}


def test_tracks_without_a_decoder() -> None:
    """A cover is no track; the container's own name is taken where ffmpeg knows none."""
    assert codec_support.lacks_decoder(stream("4gv"), {"4gv"})
    assert codec_support.lacks_decoder(stream(None, "video"), frozenset())
    assert not codec_support.lacks_decoder(
        stream(None, "video", disposition={"attached_pic": 1}), frozenset()
    )
    assert not codec_support.lacks_decoder(stream(None, "subtitle"), frozenset())
    assert codec_support.track_name(stream(None, codec_tag_string="ac-4")) == "audio (ac-4)"
    assert (
        codec_support.track_name(stream(None, codec_tag_string="4[18][0][0]")) == "audio (an unknown format)"
    )
