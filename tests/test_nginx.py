"""The nginx configuration of `docs/install.md`, word for word, in a real nginx."""

from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import web

from vlogd.site import public

pytestmark = pytest.mark.skipif(web.NGINX is None, reason="nginx is not installed")

SERVED = {
    "videos/film-1/master.m3u8": ("application/vnd.apple.mpegurl", "no-cache"),
    "videos/film-1/manifest.mpd": ("application/dash+xml", "no-cache"),
    "videos/film-1/video.json": ("application/json", "no-cache"),
    "videos/film-1/meta.json": ("application/json", "no-cache"),
    "videos/film-1/captions.vtt": ("text/vtt", "no-cache"),
    "videos/film-1/thumbnail.jpg": ("image/jpeg", None),
    "videos/film-1/hls-0123456789ab/720p/index.m3u8": ("application/vnd.apple.mpegurl", "no-cache"),
    "videos/film-1/hls-0123456789ab/720p/init.mp4": ("video/mp4", None),
    "videos/film-1/hls-0123456789ab/720p/0.m4s": ("video/iso.segment", None),
    "videos/film-1/hls-0123456789ab/720p/0.ts": ("video/mp2t", None),
    "catalog.json": ("application/json", "no-cache"),
    "assets/site.js": ("text/javascript", None),
}
"""Paths below the library's root, with their types and how caches keep them."""

HIDDEN = (
    ".workshop/trash/film-1/master.m3u8",
    ".workshop/items/film-1/private/probe-0123456789ab/probe.json",
    ".trash/film.m3u8",
    "videos/film-1/.hidden.vtt",
    "videos/.film-2/video.json",
    "videos/film-1/hls-0123456789ab/artifact.json",
    "videos/film-1/hls-0123456789ab/view.json",
    "videos/film-1/hls-0123456789ab/parts/copy.json",
    "videos/film-1/hls-0123456789ab/remux.pts",
    "videos/film-1/probe-0123456789ab/probe.json",
    "videos/film-1/probe-0123456789ab/video.pts",
    "videos/film-1/meta-0123456789ab/meta.json",
    "videos/film-1/captions-0123456789ab/window-0001.json",
    "videos/film-1/notes.html",
    "page.html",
    "vlogd.yaml",
)
"""Files that are there, and that nobody may have."""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library with all of these files."""
    folder = tmp_path / "library"
    for name in (*SERVED, *HIDDEN):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "index.html").write_text("<p>Videos")
    (folder / "videos/film-1/link.vtt").symlink_to(folder / "vlogd.yaml")
    (folder / "videos/link").symlink_to(folder / "videos/film-1")
    return folder


def refused(address: str) -> HTTPError:
    """The answer to a request that must not succeed."""
    with pytest.raises(HTTPError) as caught:
        urlopen(address)
    caught.value.close()
    return caught.value


@pytest.mark.parametrize("prefixed", [False, True])
def test_the_documented_configuration_serves_what_is_public(
    prefixed: bool, library: Path, tmp_path: Path
) -> None:
    """The page, what grows (never from a cache), segments with their types; nothing that is vlogd's own."""
    with web.served(library, tmp_path, prefixed=prefixed) as address:
        for page in ("", "index.html"):
            with urlopen(address + page) as answer:
                assert answer.read() == b"<p>Videos"
                assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (
                    "text/html",
                    "no-cache",
                )
        for name, expected in SERVED.items():
            with urlopen(address + name) as answer:
                assert answer.read().decode() == name
                assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == expected
        tricks = ("videos/film-1/%2e%2e/%2e%2e/vlogd.yaml", "%2eworkshop/trash/film-1/master.m3u8",
                  "videos/film-1/", "videos/", "assets/", "videos/film-1/hls-0123456789ab/artifact%2ejson")  # fmt: skip
        for name in (*HIDDEN, *tricks):
            assert refused(address + name).code == 404, name
        for link in ("videos/film-1/link.vtt", "videos/link/captions.vtt"):
            assert refused(address + link).code in (403, 404), link


@pytest.mark.parametrize("prefixed", [False, True])
def test_every_answer_has_the_security_headers(prefixed: bool, library: Path, tmp_path: Path) -> None:
    """Also where caching is set, also errors, also a range that is not there."""
    with web.served(library, tmp_path, prefixed=prefixed) as address:
        for name in ("", *SERVED):
            with urlopen(address + name) as answer:
                assert {key: answer.headers[key] for key in public.HEADERS} == public.HEADERS
        impossible = Request(address + "videos/film-1/master.m3u8", headers={"Range": "bytes=999-"})
        with pytest.raises(HTTPError) as caught:
            urlopen(impossible)
        caught.value.close()
        assert caught.value.code == 416
        for answer in (
            refused(address + HIDDEN[0]),
            refused(address + "videos/film-1/none.vtt"),
            caught.value,
        ):
            assert {key: answer.headers[key] for key in public.HEADERS} == public.HEADERS


@pytest.mark.parametrize("prefixed", [False, True])
def test_the_documentation_has_the_patterns_of_the_code(prefixed: bool) -> None:
    """The allow-list, the headers and the types are those of `vlogd/site/public.py`."""
    text = web.documented(prefixed=prefixed)
    for pattern in (public.CHANGING, public.FIXED):
        assert f'location ~ "{pattern.replace("^/", f"^/{web.PREFIX}/" if prefixed else "^/", 1)}" {{' in text
    for name, value in public.HEADERS.items():
        assert f'add_header {name} "{value}" always;' in text
    types = text.partition("types {")[2].partition("}")[0].replace(";", " ").split()
    assert dict(zip(types[1::2], types[::2], strict=True)) == public.TYPES
