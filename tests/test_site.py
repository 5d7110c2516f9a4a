"""The page by itself, on a library that was made by hand, behind a path prefix."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import browser
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.skipif(browser.MISSING is not None, reason=str(browser.MISSING))

SITE = Path(__file__).parent.parent / "vlogd" / "site"
PREFIX = "some/prefix/"
SECONDS = 12
SEGMENT_SECONDS = 2
EVIL = '<img src=x onerror="alert(1)">"\'& <b>bold</b>'
CAPTIONS = f"WEBVTT\n\n00:00.000 --> 00:{SECONDS}.000\nGood morning, everyone.\n"
SPOKEN = [{"src": "captions.vtt", "words": "words.vtt", "language": "en", "label": "English"}]


class Shelf:
    """A library: rows that go into catalog.json and each video.json."""

    def __init__(self, root: Path, stream: Path) -> None:
        self.root = root
        self._stream = stream
        self._rows: dict[str, dict[str, Any]] = {}
        shutil.copytree(SITE, root)

    def put(self, slug: str, **changes: Any) -> Path:
        """Add a video or change some of what is known about it; its folder."""
        folder = self.root / "videos" / slug
        folder.mkdir(parents=True, exist_ok=True)
        row = self._rows.setdefault(slug, _video(slug))
        row |= changes
        _replace(folder / "video.json", json.dumps(row))
        rows = [*reversed(self._rows.values())]
        catalog = {"videos": rows, "updated_at": datetime.now(UTC).isoformat()}
        _replace(self.root / "catalog.json", json.dumps(catalog))
        return folder

    def put_ready(self, slug: str, **changes: Any) -> Path:
        """A video that is ready, with its stream and one caption that lasts as long as it does."""
        ready = {
            "status": "ready", "progress": 100, "playable": True, "stream": "master.m3u8", "poster": "thumbnail.jpg",
            "duration_seconds": float(SECONDS), "width": 320, "height": 180, "captions": SPOKEN,
            "renditions": [{"name": "v180", "width": 320, "height": 180}],
            "stages": {"hls": {"status": "ready", "progress": 100, "error": None}},
        }  # fmt: skip
        folder = self.root / "videos" / slug
        if not (folder / "master.m3u8").exists():
            shutil.copytree(self._stream, folder, dirs_exist_ok=True)
        (folder / "captions.vtt").write_text(CAPTIONS)
        return self.put(slug, **(ready | changes))


def _video(slug: str) -> dict[str, Any]:
    return {
        "id": slug, "slug": slug, "title": slug, "status": "queued", "progress": 0, "playable": False,
        "duration_seconds": None, "error": None, "notes": [], "width": None, "height": None, "poster": None,
        "stream": None, "audio_only": False, "captions": [], "renditions": [], "stages": {},
        "added_at": "2026-03-04T05:06:07Z", "ready_at": None,
    }  # fmt: skip


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _ffmpeg(*arguments: str, folder: Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], cwd=folder, check=True)


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small real streams: `film` with picture and sound, `sound` without a picture."""
    made = {}
    sound = ("-f", "lavfi", "-i", f"sine=f=330:r=48000:d={SECONDS}")
    picture = ("-f", "lavfi", "-i", f"testsrc2=s=320x180:r=25:d={SECONDS}")
    hls = (
        "-c:a", "aac", "-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_playlist_type", "vod",
        "-hls_segment_type", "fmp4", "-master_pl_name", "master.m3u8", "index.m3u8",
    )  # fmt: skip
    video = (
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        "-g",
        str(25 * SEGMENT_SECONDS),
    )
    for name, arguments in {"film": (*picture, *sound, *video, *hls), "sound": (*sound, *hls)}.items():
        made[name] = tmp_path_factory.mktemp(name)
        _ffmpeg(*arguments, folder=made[name])
    _ffmpeg(*picture, "-frames:v", "1", "thumbnail.jpg", folder=made["film"])
    return made


@pytest.fixture
def shelf(tmp_path: Path, streams: dict[str, Path]) -> Shelf:
    """An empty library, deep enough for its address to have a prefix."""
    return Shelf(tmp_path / "web" / PREFIX, streams["film"])


@pytest.fixture
def address(shelf: Shelf, tmp_path: Path) -> Iterator[str]:
    """Where the library is served."""
    assert shelf.root.exists()
    with browser.serve(tmp_path / "web") as base:
        yield base + PREFIX


@pytest.fixture(scope="module")
def _browser() -> Iterator[WebDriver]:
    with browser.open_browser() as driver:
        yield driver


@pytest.fixture
def page(_browser: WebDriver) -> Iterator[WebDriver]:
    """A browser at an empty page. What it complains about during the test fails it."""
    _browser.get("about:blank")
    _browser.get_log("browser")
    yield _browser
    faults = [entry["message"] for entry in _browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert [fault for fault in faults if " 404 " not in fault] == []


def _until(page: WebDriver, is_so: Callable[[], Any], seconds: float = 30) -> None:
    WebDriverWait(page, seconds, poll_frequency=0.1).until(lambda _: is_so())


def _all(page: WebDriver, selector: str) -> list[Any]:
    found: list[Any] = page.find_elements("css selector", selector)
    return found


def _text(page: WebDriver, selector: str = "main") -> str:
    """What a person can read there."""
    script = "const node = document.querySelector(arguments[0]); return node?.checkVisibility() ? node.innerText : '';"
    return str(page.execute_script(script, selector))


def _player(page: WebDriver) -> dict[str, Any]:
    found: dict[str, Any] = page.execute_script("""
      const v = document.querySelector("video");
      if (!v) return {time: -1, cues: []};
      const showing = [...v.textTracks].filter((track) => track.mode === "showing");
      return {time: v.currentTime, paused: v.paused, muted: v.muted, ended: v.ended, duration: v.duration,
        hidden: v.hidden, cues: showing.flatMap((track) => [...(track.activeCues ?? [])].map((cue) => cue.text))};""")
    return found


def _press(page: WebDriver, key: str) -> None:
    page.switch_to.active_element.send_keys(key)


def test_each_video_has_a_link_with_its_title_and_state(shelf: Shelf, address: str, page: WebDriver) -> None:
    """Titles show as they are written, progress and failures in words."""
    shelf.put_ready("evil-1", title=EVIL)
    shelf.put("later-1", title="Later")
    shelf.put("half-1", title="Half", status="processing", progress=42)
    shelf.put("bad-1", title="Bad", status="failed", error="It has no picture and no sound.")
    page.get(address)
    _until(page, lambda: len(_all(page, "a.card")) == 4)
    assert [title.text for title in _all(page, "a.card h2")] == ["Bad", "Half", "Later", EVIL]
    assert "It has no picture and no sound." in _text(page)
    assert "42 %" in _text(page)
    assert [bar.get_attribute("value") for bar in _all(page, "progress:not([hidden])")] == ["42"]
    assert _all(page, "main b, main img[src='x']") == []
    assert _text(page, "#state") == "4 videos, 2 being made"
    assert page.title == "Videos"


def test_progress_moves_while_the_list_is_open(shelf: Shelf, address: str, page: WebDriver) -> None:
    """What changed is changed in place: a link that has the focus keeps it."""
    shelf.put("film-1", title="Film", status="processing", progress=10)
    page.get(address)
    _until(page, lambda: "10 %" in _text(page))
    page.execute_script("document.querySelector('a.card').focus(); window.card = document.activeElement")
    shelf.put("film-1", progress=77)
    _until(page, lambda: "77 %" in _text(page))
    shelf.put("other-1", title="Other", status="processing")
    _until(page, lambda: len(_all(page, "a.card")) == 2)
    shelf.put_ready("film-1")
    _until(page, lambda: "0:12" in _text(page))
    assert page.execute_script("return document.activeElement === window.card")
    assert len(_all(page, "progress:not([hidden])")) == 1


def test_a_video_plays_with_captions_and_escape_leads_back(
    shelf: Shelf, address: str, page: WebDriver
) -> None:
    """Enter opens it, time goes on, the caption shows, Escape returns to its link."""
    shelf.put_ready("a b&c-1", title=EVIL, notes=["Made from 23.976 frames a second."])
    shelf.put_ready("other-1", title="Other")
    page.get(address)
    _until(page, lambda: len(_all(page, "a.card")) == 2)
    _all(page, "a.card")[1].send_keys(Keys.ENTER)
    _until(page, lambda: _player(page)["time"] > 0.5)
    _until(page, lambda: _player(page)["cues"] == ["Good morning, everyone."])
    assert page.title == EVIL
    assert _text(page, "h1") == EVIL
    assert "Made from 23.976 frames a second." in _text(page)
    assert "180p" in _text(page)
    _press(page, Keys.ESCAPE)
    _until(page, lambda: len(_all(page, "a.card")) == 2)
    _until(page, lambda: page.switch_to.active_element.text.startswith(EVIL))
    assert page.title == "Videos"


def test_keys_drive_the_player(shelf: Shelf, address: str, page: WebDriver) -> None:
    """Space and k play and pause, arrows, j and l move, c is captions, m is mute."""
    shelf.put_ready("film-1")
    page.get(f"{address}#/v/film-1")
    _until(page, lambda: _player(page)["time"] > 0.2 and _player(page)["cues"])
    _press(page, " ")
    _until(page, lambda: _player(page)["paused"])
    page.execute_script("document.querySelector('video').currentTime = 1")
    for key, time in ((Keys.ARROW_RIGHT, 6), (Keys.ARROW_LEFT, 1), ("l", 11), ("j", 1), (Keys.ARROW_LEFT, 0)):
        _press(page, key)
        assert _player(page)["time"] == pytest.approx(time, abs=0.1), key
    _press(page, "m")
    assert _player(page)["muted"]
    _press(page, "c")
    assert _player(page)["cues"] == []
    assert _text(page, "#state") == "Captions off"
    _press(page, "c")
    _until(page, lambda: _player(page)["cues"])
    _press(page, "f")
    _until(page, lambda: page.execute_script("return document.fullscreenElement !== null"))
    _press(page, "f")
    _until(page, lambda: page.execute_script("return document.fullscreenElement === null"))
    _press(page, "K")
    _until(page, lambda: not _player(page)["paused"])


def test_a_growing_stream_begins_at_its_beginning(shelf: Shelf, address: str, page: WebDriver) -> None:
    """It plays from 0 while it is made, captions join it, and it ends when it is whole."""
    running = {"captions": {"status": "running", "progress": 30, "error": None}}
    folder = shelf.put_ready("film-1", status="processing", progress=60, captions=[], stages=running)
    whole = (folder / "index.m3u8").read_text()
    segments = whole.replace(":VOD", ":EVENT").split("#EXTINF")
    _replace(folder / "index.m3u8", "#EXTINF".join(segments[:-2]))
    page.get(f"{address}#/v/film-1")
    _until(page, lambda: _player(page)["time"] > 0.1)
    assert _player(page)["time"] < SEGMENT_SECONDS
    assert "Watch it already · 60 % made" in _text(page)
    assert "30 %" in _text(page, ".steps")
    shelf.put_ready("film-1")
    _replace(folder / "index.m3u8", whole)
    _until(page, lambda: _player(page)["cues"] == ["Good morning, everyone."])
    assert "Watch it already" not in _text(page)
    assert _text(page, ".steps") == ""
    _until(page, lambda: _player(page)["ended"])
    assert _player(page)["duration"] == pytest.approx(SECONDS, abs=0.2)


def test_an_open_page_starts_by_itself_once_there_is_something(
    shelf: Shelf, address: str, page: WebDriver
) -> None:
    """Until then it tells how far the video is."""
    shelf.put("film-1", title="Film", status="processing", progress=5)
    page.get(f"{address}#/v/film-1")
    _until(page, lambda: "Being made · 5 %" in _text(page, ".waiting"))
    assert _player(page)["hidden"]
    shelf.put_ready("film-1")
    _until(page, lambda: _player(page)["time"] > 0.2)
    assert _text(page, ".waiting") == ""


def test_a_playlist_that_comes_late_is_tried_again(shelf: Shelf, address: str, page: WebDriver) -> None:
    """A stream that cannot be read is a sentence, not an end."""
    folder = shelf.put_ready("film-1")
    (folder / "master.m3u8").rename(folder / "away")
    page.get(f"{address}#/v/film-1")
    _until(page, lambda: "trying again" in _text(page, "[role=alert]"))
    (folder / "away").rename(folder / "master.m3u8")
    _until(page, lambda: _player(page)["time"] > 0.2)
    assert _text(page, "[role=alert]") == ""


def test_who_leaves_before_the_answer_hears_nothing(shelf: Shelf, address: str, page: WebDriver) -> None:
    """An answer that comes after the viewer went back starts no player."""
    shelf.put_ready("film-1", title="Film")
    page.get(address)
    _until(page, lambda: _all(page, "a.card"))
    page.execute_script("""
      const real = window.fetch;
      window.answered = false;
      window.fetch = (path) => path.endsWith("video.json")
        ? new Promise((done) => { window.release = () => { done(real(path)); setTimeout(() => { window.answered = true; }, 500); }; })
        : real(path);
      location.hash = "#/v/film-1";""")
    _until(page, lambda: page.execute_script("return Boolean(window.release)"))
    _press(page, Keys.ESCAPE)
    _until(page, lambda: _all(page, "a.card"))
    page.execute_script("window.release()")
    _until(page, lambda: page.execute_script("return window.answered"))
    asked = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert not [name for name in asked if name.endswith(".m3u8")]
    assert page.title == "Videos"


def test_sound_alone_plays_with_a_look_of_its_own(
    shelf: Shelf, address: str, page: WebDriver, streams: dict[str, Path]
) -> None:
    """There is no picture to wait for; captions show all the same."""
    folder = shelf.put_ready("song-1", audio_only=True, width=None, height=None, poster=None, renditions=[])
    shutil.copytree(streams["sound"], folder, dirs_exist_ok=True)
    page.get(f"{address}#/v/song-1")
    _until(page, lambda: _player(page)["time"] > 0.5 and _player(page)["cues"])
    assert _all(page, ".watch.sound video")
    assert "sound only" in _text(page)


def test_a_failed_video_says_why(shelf: Shelf, address: str, page: WebDriver) -> None:
    """Its page has the sentence and no player."""
    shelf.put("bad-1", title="Bad", status="failed", error="The file ends in the middle.")
    page.get(f"{address}#/v/bad-1")
    _until(page, lambda: "The file ends in the middle." in _text(page))
    assert _player(page)["hidden"]


def test_what_is_missing_is_told(shelf: Shelf, address: str, page: WebDriver) -> None:
    """No catalogue, no videos, no such video: each has its sentence, and the page recovers by itself."""
    page.get(f"{address}#/v/%E0%A4%A")
    _until(page, lambda: "cannot be read just now" in _text(page))
    _replace(shelf.root / "catalog.json", '{"videos": []}')
    _until(page, lambda: "Drop a file into the inbox folder" in _text(page))
    page.get(f"{address}#/v/gone-1")
    _until(page, lambda: "is not here" in _text(page))


@pytest.mark.parametrize("route", ["", "#/v/evil-1"])
def test_a_narrow_page_does_not_scroll_sideways(
    shelf: Shelf, address: str, page: WebDriver, route: str
) -> None:
    """Long words in titles wrap."""
    shelf.put_ready("evil-1", title="VeryLongFileNameWithoutAnySpace" * 6, notes=["x" * 300])
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 700, "deviceScaleFactor": 1, "mobile": True},
    )
    try:
        page.get("about:blank")
        page.get(address + route)
        _until(page, lambda: "VeryLong" in _text(page))
        assert page.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
