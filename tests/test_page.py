"""The page as a person sees it: nginx serves the library, Chromium plays it, under a path prefix."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import pytest
import web
from clips import stamped
from daemon import DEMO, Home, kill, until

pytestmark = [
    pytest.mark.skipif(browser.MISSING is not None, reason=str(browser.MISSING)),
    pytest.mark.skipif(web.NGINX is None, reason="nginx is not installed"),
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Home, str]]:
    """A home whose library nginx serves at the address."""
    home = Home(tmp_path / "home")
    with web.served(home.library, tmp_path) as address:
        yield home, address


def _state(driver: Any) -> dict[str, Any]:
    found: dict[str, Any] = driver.execute_script("""
      const v = document.querySelector("video"), t = v && v.textTracks[0];
      return v ? {time: v.currentTime, width: v.videoWidth, error: v.error && v.error.message,
        ranges: v.buffered.length, cues: t && t.mode === "showing" ? [...t.activeCues].map((c) => c.text) : []} : {};""")
    return found


def _faults(driver: Any) -> list[str]:
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def test_the_demo_plays_with_its_spoken_words(site: tuple[Home, str]) -> None:
    """The time advances, the words show when they are spoken, nothing is complained of."""
    home, address = site
    shutil.copy(DEMO, home.inbox / '<img src=x onerror="document.title=1"> & co.mp4')
    assert home.once().returncode == 0
    with browser.open_browser() as driver:
        driver.get(address)
        until(lambda: driver.find_elements("css selector", "a.card"), 20)
        assert (
            driver.find_element("css selector", "a.card h2").text
            == '<img src=x onerror="document.title=1"> & co'
        )
        assert driver.title == "Videos"
        driver.find_element("css selector", "a.card").send_keys("\n")
        until(lambda: _state(driver).get("time", 0) > 1.2, 30)
        until(lambda: "hello today we watch new video" in " ".join(_state(driver)["cues"]), 20)
        driver.execute_script("document.querySelector('video').currentTime = 21")
        until(lambda: "thank you and good night" in " ".join(_state(driver)["cues"]), 20)
        assert _state(driver)["error"] is None
        driver.find_element("tag name", "body").send_keys("\ue00c")
        until(lambda: driver.find_elements("css selector", "a.card"), 20)
        assert _faults(driver) == []


def test_a_video_that_is_still_being_made_plays_from_its_beginning(site: tuple[Home, str]) -> None:
    """A growing stream begins at 0, goes on as it grows, and ends by itself."""
    home, address = site
    home.config.write_text(home.config.read_text().replace("preset: ultrafast", "preset: slower"))
    stamped(home.inbox / "film.mp4", seconds=40, size="640x360", filters="noise=alls=20:allf=t")
    daemon = home.start()
    try:
        until(lambda: any(v["playable"] for v in home.videos()))
        assert home.videos()[0]["status"] == "processing"
        with browser.open_browser() as driver:
            driver.get(f"{address}#/v/{home.videos()[0]['slug']}")
            until(lambda: _state(driver).get("time", 0) > 0.3, 30)
            assert _state(driver)["time"] < 8
            until(lambda: [v["status"] for v in home.videos()] == ["ready"])
            driver.execute_script("document.querySelector('video').playbackRate = 8")
            until(lambda: driver.execute_script("return document.querySelector('video').ended"), 90)
            assert _state(driver)["ranges"] == 1
            assert _faults(driver) == []
    finally:
        kill(daemon)


def test_progress_and_failure_are_told(site: tuple[Home, str]) -> None:
    """A library that is empty says what to do; a failed video shows its sentence."""
    home, address = site
    assert home.once().returncode == 0
    with browser.open_browser() as driver:
        driver.get(address)
        until(lambda: "Drop a file" in driver.find_element("css selector", ".empty").text, 20)
        (home.library / "catalog.json").write_text(
            '{"videos":[{"slug":"a-1","title":"A","status":"failed","error":"It is damaged.","progress":3},'
            '{"slug":"b-1","title":"B","status":"processing","playable":false,"progress":42}]}'
        )
        driver.refresh()
        until(lambda: len(driver.find_elements("css selector", "a.card")) == 2, 20)
        text = driver.find_element("css selector", "main").text
        assert "It is damaged." in text
        assert "42 %" in text
        bars = driver.find_elements("css selector", "progress")
        assert "42" in [bar.get_attribute("value") for bar in bars]
