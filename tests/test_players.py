"""Played for real: hls.js and shaka-player in Chromium over nginx, and mpv. Every picture shown carries its number."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import pytest
import web
from clips import BITS, ffmpeg, stamped
from daemon import DATA, Home, until

pytestmark = [
    pytest.mark.skipif(browser.MISSING is not None, reason=str(browser.MISSING)),
    pytest.mark.skipif(web.NGINX is None, reason="nginx is not installed"),
]

SECONDS = 24
RATE = 25
SRT = "1\n00:00:02,000 --> 00:00:04,000\nat two seconds\n\n2\n00:00:20,000 --> 00:00:22,000\nat twenty seconds\n"

PAGE = """<!doctype html><title>player</title><video muted width="640"></video>
<script src="assets/hls.min.js"></script><script src="assets/shaka-player.js"></script>
<script src="assets/player.js"></script>"""
SCRIPT = """
const video = document.querySelector("video"), faults = [];
function hls(address) {
  window.player = new Hls({ startPosition: 0, maxBufferLength: 60 });
  player.on(Hls.Events.ERROR, (_e, data) => { if (data.details !== "aborted") faults.push(data.details + " " + (data.reason || "")); });
  player.loadSource(address); player.attachMedia(video);
}
async function dash(address) {
  shaka.polyfill.installAll();
  window.player = new shaka.Player(); await player.attach(video);
  player.addEventListener("error", (event) => faults.push(String(event.detail.code)));
  await player.load(address);
}
function number() {
  const canvas = Object.assign(document.createElement("canvas"), { width: %(bits)d * 8, height: 8 });
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  const row = context.getImageData(0, 4, canvas.width, 1).data;
  let found = 0;
  for (let bit = 0; bit < %(bits)d; bit++) if (row[(bit * 8 + 4) * 4] > 128) found += 2 ** bit;
  return found;
}
function state() {
  const b = video.buffered, quality = video.getVideoPlaybackQuality();
  return { time: video.currentTime, ended: video.ended, ready: video.readyState, seeking: video.seeking, faults,
    ranges: [...Array(b.length).keys()].map((n) => [b.start(n), b.end(n)]), frames: quality.totalVideoFrames,
    cues: [...video.textTracks].filter((t) => t.mode === "showing").flatMap((t) => [...(t.activeCues || [])]).map((c) => c.text) };
}
""" % {"bits": BITS}  # noqa: UP031 - braces are JavaScript's here


@pytest.fixture(scope="module", params=["encoded", "copied"])
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """A numbered film with two sounds and subtitles, made by the daemon: address of its folder, and the folder."""
    work = tmp_path_factory.mktemp(request.param)
    home = Home(work / "home")
    if request.param == "copied":
        home.config.write_text(home.config.read_text().replace("copy: never", "copy: auto"))
    _film(work, home.inbox / "film.mp4")
    assert home.once().returncode == 0
    _install_player(home.library)
    with web.served(home.library, work) as address:
        yield address, next(home.library.glob("videos/*"))


def _install_player(library: Path) -> None:
    """In place of the page: nginx serves nothing else, and scripts only from files."""
    (library / "index.html").write_text(PAGE)
    (library / "assets/player.js").write_text(SCRIPT)
    shutil.copy(DATA / "shaka/shaka-player.compiled.js", library / "assets/shaka-player.js")


def _film(work: Path, target: Path) -> None:
    clip = stamped(work / "clip.mp4", "-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-pix_fmt", "yuv420p", "-x264-params",
                   "scenecut=0", seconds=SECONDS, size="854x480")  # fmt: skip
    (work / "a.srt").write_text(SRT)
    ffmpeg("-i", clip, "-f", "lavfi", "-i", f"sine=f=900:r=48000:d={SECONDS}", "-i", work / "a.srt", "-map", "0", "-map", "1",
           "-map", "2", "-c", "copy", "-c:a:1", "aac", "-c:s", "mov_text", "-metadata:s:a:0", "language=eng",
           "-metadata:s:a:1", "language=ger", "-metadata:s:s:0", "language=eng", target)  # fmt: skip


@pytest.fixture
def page(published: tuple[str, Path]) -> Iterator[tuple[Any, str, Path]]:
    """An open player page, the video's address and its folder."""
    address, folder = published
    with browser.open_browser() as driver:
        driver.get(f"{address}index.html")
        yield driver, f"{address}videos/{folder.name}/", folder


def state(driver: Any) -> dict[str, Any]:
    """What the player says."""
    found: dict[str, Any] = driver.execute_script("return state()")
    return found


def play(driver: Any, rate: float = 1) -> None:
    """Let it run."""
    driver.execute_script("video.playbackRate = arguments[0]; video.play()", rate)


def seek(driver: Any, seconds: float) -> None:
    """Go somewhere."""
    driver.execute_script("video.pause(); video.currentTime = arguments[0]", seconds)
    try:
        until(lambda: not state(driver)["seeking"] and state(driver)["ready"] >= 2, 60)
    except AssertionError as error:
        raise AssertionError(f"it does not get to {seconds} s: {state(driver)}") from error


def shows(driver: Any, picture: int, *others: int) -> None:
    """Seek into the middle of a picture's time; it, or one of the `others`, is what comes to be shown there."""
    seek(driver, (picture + 0.5) / RATE)
    until(lambda: driver.execute_script("return number()") in (picture, *others), 10)


def test_hls_js_plays_the_whole_film(page: tuple[Any, str, Path]) -> None:
    """From 0 to the end in one buffered range, every picture handed to the decoder, no error event."""
    driver, video, _ = page
    driver.execute_script("hls(arguments[0])", f"{video}master.m3u8")
    until(lambda: state(driver)["ready"] >= 3, 30)
    play(driver, 4)
    until(lambda: state(driver)["ended"], 60)
    told = state(driver)
    assert told["faults"] == []
    assert len(told["ranges"]) == 1
    assert told["ranges"][0][0] == 0
    assert abs(told["ranges"][0][1] - SECONDS) < 0.1


def test_hls_js_seeks_to_the_picture_and_switches_levels(page: tuple[Any, str, Path]) -> None:
    """Around each segment border, in each rendition, the picture of that moment is shown."""
    driver, video, _ = page
    driver.execute_script("hls(arguments[0])", f"{video}master.m3u8")
    until(lambda: state(driver)["ready"] >= 3, 30)
    levels = driver.execute_script("return player.levels.length")
    assert levels >= 2
    for number, border in enumerate(range(4, SECONDS, 4)):
        driver.execute_script(
            "if (player.currentLevel !== arguments[0]) player.currentLevel = arguments[0]", number % levels
        )
        shows(driver, border * RATE)
        for picture in (border * RATE - 13, border * RATE + 12):
            # A reordered picture may give way to its neighbour: only the key frame keeps its length.
            shows(driver, picture, picture - 1, picture + 1)
    assert [fault for fault in state(driver)["faults"] if "bufferStalled" not in fault] == []


def test_hls_js_shows_subtitles_and_changes_the_sound(page: tuple[Any, str, Path]) -> None:
    """Subtitles of the stream show at their time; the second sound can be chosen."""
    driver, video, _ = page
    driver.execute_script("hls(arguments[0])", f"{video}master.m3u8")
    until(lambda: state(driver)["ready"] >= 3, 30)
    assert driver.execute_script("return player.audioTracks.map((t) => t.lang)") == ["en", "de"]
    driver.execute_script("player.subtitleDisplay = true; player.subtitleTrack = 0")
    seek(driver, 3.0)
    until(lambda: state(driver)["cues"] == ["at two seconds"], 20)
    seek(driver, 4.5)
    assert state(driver)["cues"] == []
    driver.execute_script("player.audioTrack = 1")
    seek(driver, 21.0)
    until(lambda: state(driver)["cues"] == ["at twenty seconds"], 20)
    play(driver, 2)
    until(lambda: state(driver)["ended"], 60)
    assert state(driver)["faults"] == []


def test_shaka_plays_the_manifest(page: tuple[Any, str, Path]) -> None:
    """The same segments as DASH: to the end, seeks land on the picture, sounds and subtitles are known."""
    driver, video, _ = page
    driver.execute_async_script("const done = arguments[1]; dash(arguments[0]).then(done, (e) => { faults.push(String(e)); done(); })",
                                f"{video}manifest.mpd")  # fmt: skip
    until(lambda: state(driver)["ready"] >= 3, 30)
    assert sorted(set(driver.execute_script("return player.getVariantTracks().map((t) => t.language)"))) == [
        "de",
        "en",
    ]
    assert driver.execute_script("return player.getTextTracks().map((t) => t.language)") == ["en"]
    for picture in (0, 100, 300, 500):
        shows(driver, picture)
    seek(driver, 0)
    play(driver, 4)
    until(lambda: state(driver)["ended"], 60)
    assert state(driver)["faults"] == []


@pytest.mark.skipif(shutil.which("mpv") is None, reason="mpv is not installed")
def test_mpv_plays_both(published: tuple[str, Path]) -> None:
    """A player that is no browser plays the master playlist and the manifest to their end without a complaint."""
    address, folder = published
    for name in ("master.m3u8", "manifest.mpd"):
        options = ["--no-config", "--vo=null", "--ao=null", "--untimed", "--msg-level=all=warn", "--sub=no"]
        options.append("--demuxer-lavf-o=allowed_extensions=ALL")
        ran = subprocess.run(["mpv", *options, f"{address}videos/{folder.name}/{name}"], capture_output=True, text=True,
                             check=False, timeout=120)  # fmt: skip
        assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads((folder / "video.json").read_text())["manifest"] == "manifest.mpd"


def test_a_held_picture_plays_to_the_end_of_the_sound(tmp_path: Path) -> None:
    """Both players in one buffered range, without an error; seeks land on the picture that is held."""
    home = Home(tmp_path / "home")
    clip = stamped(tmp_path / "clip.mp4", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", seconds=5,
                   size="854x480", sound=False)  # fmt: skip
    ffmpeg(
        "-i", clip, "-f", "lavfi", "-i", "sine=d=20", "-c:v", "copy", "-c:a", "aac", home.inbox / "film.mp4"
    )
    assert home.once().returncode == 0
    _install_player(home.library)
    (folder,) = home.library.glob("videos/*")
    for load in ("hls(arguments[0] + 'master.m3u8')", "dash(arguments[0] + 'manifest.mpd')"):
        with web.served(home.library, tmp_path) as address, browser.open_browser() as driver:
            driver.get(f"{address}index.html")
            driver.execute_script(load, f"{address}videos/{folder.name}/")
            until(lambda driver=driver: state(driver)["ready"] >= 3, 30)
            for seconds in (2.5, 7.3, 18.9):
                seek(driver, seconds)
                shown = min(int(seconds * RATE), 5 * RATE - 1)
                until(
                    lambda driver=driver, shown=shown: (
                        abs(driver.execute_script("return number()") - shown) <= 1
                    ),
                    10,
                )
            seek(driver, 0)
            play(driver, 4)
            until(lambda driver=driver: state(driver)["ended"], 60)
            told = state(driver)
            assert told["faults"] == []
            assert len(told["ranges"]) == 1
            assert abs(told["ranges"][0][1] - 20) < 0.1
