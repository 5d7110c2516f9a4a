"""From probe's artifact and the receipts so far to a plan, and from a plan to parts."""

from pathlib import Path
from typing import Any

from media_values import audio, media, steady, video, write_probe

from vlogd.core.model import Receipt
from vlogd.media.ffprobe import VideoStream
from vlogd.media.streaming.tracks import OFFSET, TICKS
from vlogd.stages.hls import plan as planning
from vlogd.stages.hls.ladder import HlsSettings, Rung
from vlogd.stages.hls.parts import parts
from vlogd.stages.hls.plans import AudioOnlyPlan, ChunkedPlan, Plan, UnindexedPlan, WholeFilePlan

CONFIG = HlsSettings(ladder=(Rung(height=1080, max_kbps=5000), Rung(height=360, max_kbps=800)), segment_seconds=2,
                     gop_seconds=1, chunk_seconds=4)  # fmt: skip
KEYS = [(time, 10_000) for time in range(0, 10_000, 1000)]


def receipts(**facts: dict[str, Any]) -> dict[str, Receipt]:
    """Receipts with these facts; underscores in names stand for hyphens."""
    return {
        name.replace("_", "-"): Receipt(name.replace("_", "-"), {}, value) for name, value in facts.items()
    }


def plan(probed: Path, done: dict[str, Receipt] | None = None, config: HlsSettings = CONFIG) -> Plan:
    """The plan of an artifact of probe."""
    return planning.read(probed, probed.parent / "hls", done or {}, config)


def part_names(found: Plan) -> list[str]:
    """The names of a plan's parts."""
    return [part.name for part in parts(found)]


def test_a_file_without_video_is_cut_evenly(tmp_path: Path) -> None:
    """Audio alone."""
    found = plan(write_probe(tmp_path / "probe", media(video=None, duration_seconds=5.0)))
    assert isinstance(found, AudioOnlyPlan)
    assert [(tick - OFFSET) / TICKS for tick in found.boundaries] == [0, 2, 4, 5]
    assert part_names(found) == ["audio-0"]


def test_an_indexed_file_is_cut_into_chunks(tmp_path: Path) -> None:
    """The first chunk is one segment and runs alone; each weighs its seconds."""
    found = plan(write_probe(tmp_path / "probe", media(), steady(10)))
    assert isinstance(found, ChunkedPlan)
    assert found.copied is None
    assert "no plain MP4" in found.why_no_copy
    assert part_names(found) == ["video-0000", "video-0001", "video-0002", "video-0003", "audio-0"]
    chunks = parts(found)[:-1]
    assert [part.order for part in chunks] == [0, 1, 2, 3]
    assert [part.alone for part in chunks] == [True, False, False, False]
    assert sum(part.weight for part in chunks) == 10
    assert found.encode_parts == ("video-0000", "video-0001", "video-0002", "video-0003")


def test_the_sources_frames_take_the_place_of_the_top_rendition(tmp_path: Path) -> None:
    """Where probe found closed GOPs and `passthrough` has nothing against it."""
    probed = write_probe(tmp_path / "probe", media(), steady(10), KEYS)
    found = plan(probed)
    assert isinstance(found, ChunkedPlan)
    assert [rendition.name for rendition in found.published] == ["v1080-copy", "v360"]
    assert part_names(found)[:2] == ["copy", "video-0000"]
    assert parts(found)[0].library_bytes == sum(size for _, size in KEYS)
    assert [(tick - OFFSET) / TICKS for tick in found.source_keys] == list(range(10))
    top_only = HlsSettings(ladder=(Rung(height=1080, max_kbps=5000),), segment_seconds=2)
    assert part_names(plan(probed, config=top_only)) == ["copy", "audio-0"]


def test_a_copy_that_failed_is_encoded_under_other_names(tmp_path: Path) -> None:
    """With one rendition more than the chunks that were planned before, and the copy's own sentence."""
    done = receipts(copy={"copied": False, "why": "It was not what it seemed."}, video_0000={"iframes": {}})
    found = plan(write_probe(tmp_path / "probe", media(), steady(10), KEYS), done)
    assert isinstance(found, ChunkedPlan)
    assert (found.copied, found.copy_failed, found.why_no_copy) == (None, True, "It was not what it seemed.")
    assert [rendition.name for rendition in found.published] == ["v1080", "v360"]
    assert part_names(found)[:2] == ["copy", "full-0000"]


def test_a_source_above_the_ladder_is_reduced(tmp_path: Path) -> None:
    """Copied, it stands above all renditions; encoded, its chunks are others than those of earlier versions."""
    tall, config = video(width=7680, height=4320), HlsSettings()
    probed = write_probe(tmp_path / "probe", media(video=tall), steady(10), KEYS)
    found = plan(probed, config=config)
    assert isinstance(found, ChunkedPlan)
    assert [rendition.name for rendition in found.published[:3]] == ["v4320-copy", "v2160", "v1440"]
    assert part_names(found)[:2] == ["copy", "video-0000"]
    found = plan(probed, config=HlsSettings(copy="never"))
    assert found.published[0].name == "v2160"
    assert part_names(found)[0] == "video-reduced-0000"


def test_memory_grows_with_what_is_decoded_and_encoded(tmp_path: Path) -> None:
    """The source counts, each rendition does, and both more with more bits; a copy takes next to nothing."""

    def taken(name: str, changed: VideoStream, **settings: Any) -> int:
        config = HlsSettings(**{"copy": "never", **settings})
        found = plan(write_probe(tmp_path / name, media(video=changed), steady(10), KEYS), config=config)
        return {part.name.partition("-")[0]: part.memory_bytes for part in parts(found)}["video"] >> 20

    def only(height: int) -> tuple[Rung, ...]:
        return (Rung(height=height, max_kbps=5000),)

    small, large = video(), video(width=7680, height=4320)
    assert 389 <= taken("a", small) <= 600  # measured: 389 MiB
    assert 1775 <= taken("b", large) <= 2600  # measured: 1775 MiB
    assert 2897 <= taken("c", large, ladder=only(4320)) <= 4000  # measured: 2897 MiB
    assert taken("d", small, codecs=("h264", "hevc")) > 2 * taken("e", small)
    assert taken("f", small, preset="slow") > 2 * taken("g", small)
    assert taken("h", video(pixel_format="yuv420p10le")) > taken("i", small)
    assert taken("j", video(color_transfer="smpte2084")) > taken("k", small)


def test_renditions_that_the_first_chunk_found_similar_are_dropped(tmp_path: Path) -> None:
    """In all later chunks."""
    probed = write_probe(tmp_path / "probe", media(), steady(10))
    found = plan(probed, receipts(video_0000={"iframes": {}, "similar": ["v360"]}))
    assert [rendition.name for rendition in found.published] == ["v1080"]


def test_a_file_without_an_index_is_remuxed_before_anything_else(tmp_path: Path) -> None:
    """Its chunks are read from the copy, with the copy's times."""
    probed = write_probe(tmp_path / "probe", media(), steady(10), remux_first=True)
    first = plan(probed)
    assert isinstance(first, UnindexedPlan)
    assert first.boundaries == ()
    (remux,) = parts(first)
    assert (remux.name, remux.state_bytes) == ("remux", 1000)
    (tmp_path / "hls").mkdir()
    (tmp_path / "hls/remux.pts").write_bytes((probed / "video.pts").read_bytes())
    copied = {"copied": True, "time_base": "1/1000", "zero_seconds": "0"}
    found = plan(probed, receipts(remux=copied))
    assert isinstance(found, ChunkedPlan)
    assert found.remuxed
    assert part_names(found)[:2] == ["remux", "video-0000"]


def test_a_remux_that_failed_leaves_one_encode_of_the_whole_file(tmp_path: Path) -> None:
    """The audio has to wait for the boundaries that it finds."""
    probed = write_probe(tmp_path / "probe", media(), steady(10), remux_first=True)
    failed = {"copied": False, "why": "It did not work."}
    found = plan(probed, receipts(remux=failed))
    assert isinstance(found, WholeFilePlan)
    assert part_names(found) == ["remux", "video-whole"]
    known = plan(
        probed, receipts(remux=failed, video_whole={"iframes": {}, "borders": [OFFSET, OFFSET + TICKS]})
    )
    assert known.boundaries == (OFFSET, OFFSET + TICKS)
    assert part_names(known) == ["remux", "video-whole", "audio-0"]


def test_frames_without_times_are_encoded_in_one_go(tmp_path: Path) -> None:
    """An AVI with B-frames."""
    found = plan(write_probe(tmp_path / "probe", media(), steady(1), times_are_known=False))
    assert isinstance(found, WholeFilePlan)
    assert part_names(found) == ["video-whole"]


def test_frame_rates_and_long_audio_are_those_of_the_source(tmp_path: Path) -> None:
    """Half the rate where every second frame is dropped."""
    fast = media(video=video(frame_rate="120/1"), audio=(audio(), audio(index=2)))
    found = plan(write_probe(tmp_path / "probe", fast, steady(4, 120), sound_seconds=9.5))
    assert isinstance(found, ChunkedPlan)
    assert found.frame_rate == 60
    assert part_names(found)[-3:] == ["held-after", "audio-0-long", "audio-1-long"]


def test_a_hold_is_a_part_between_the_chunks_and_the_audio(tmp_path: Path) -> None:
    """The chunks are those of a file without it; the longer audio has another name than what was cut off."""
    found = plan(write_probe(tmp_path / "probe", media(), steady(10), sound_seconds=14.0))
    assert part_names(found) == [
        *(f"video-{number:04d}" for number in range(4)),
        "held-after",
        "audio-0-long",
    ]
    silent = plan(write_probe(tmp_path / "silent", media(audio=()), steady(10), sound_seconds=14.0))
    assert part_names(silent) == [f"video-{number:04d}" for number in range(4)]
    slides = plan(write_probe(tmp_path / "slides", media(audio=()), steady(10), last_frame_seconds=14.0))
    assert part_names(slides)[-1] == "held-after"


def test_a_copy_that_lasts_longer_has_another_name(tmp_path: Path) -> None:
    """So that a copy that was cut off is not taken for it; where it would last too long, nothing is copied."""
    found = plan(write_probe(tmp_path / "probe", media(), steady(10), KEYS, sound_seconds=13.0))
    assert part_names(found)[:2] == ["copy-long", "video-long-0000"]
    found = plan(write_probe(tmp_path / "late", media(), steady(10), KEYS, sound_seconds=25.0))
    assert isinstance(found, ChunkedPlan)
    assert found.copied is None
    assert (
        found.why_no_copy
        == "The source is re-encoded: its last frame has to be held for long, because its audio goes on."
    )


def test_room_is_kept_for_what_there_is(tmp_path: Path) -> None:
    """Ten seconds of frames in a container that claims 300 years: the audio waits for a megabyte, not for terabytes."""
    claimed = plan(write_probe(tmp_path / "probe", media(duration_seconds=1e10), steady(10)))
    assert all(part.library_bytes < 20 << 20 for part in parts(claimed))
    assert parts(claimed)[-1].name == "audio-0"
