"""The nginx configuration of `docs/install.md`, word for word, in a real nginx."""

from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import web

pytestmark = pytest.mark.skipif(web.NGINX is None, reason="nginx is not installed")


@pytest.mark.parametrize("prefixed", [False, True])
def test_the_documented_configuration_serves_a_library(prefixed: bool, tmp_path: Path) -> None:
    """The page, what grows (never from a cache), segments with their types; nothing of the trash."""
    library = tmp_path / "library"
    video = library / "videos/film-1"
    for folder in (video, library / ".trash"):
        folder.mkdir(parents=True)
    (library / "index.html").write_text("<p>Videos")
    for name in ("master.m3u8", "manifest.mpd", "video.json", "captions.vtt", "0.m4s", "0.ts", ".hidden"):
        (video / name).write_text(name)
    (library / ".trash/film.m3u8").write_text("gone")
    with web.served(library, tmp_path, prefixed=prefixed) as address:
        with urlopen(address) as answer:
            assert answer.read() == b"<p>Videos"
            assert answer.headers["Content-Type"] == "text/html"
        for name, kind, caching in (
            ("master.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
            ("manifest.mpd", "application/dash+xml", "no-cache"),
            ("video.json", "application/json", "no-cache"),
            ("captions.vtt", "text/vtt", "no-cache"),
            ("0.m4s", "video/iso.segment", None),
            ("0.ts", "video/mp2t", None),
        ):
            with urlopen(f"{address}videos/film-1/{name}") as answer:
                assert answer.read().decode() == name
                assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (kind, caching)
        for hidden in (".trash/film.m3u8", "videos/film-1/.hidden"):
            with pytest.raises(HTTPError) as caught:
                urlopen(address + hidden)
            caught.value.close()
            assert caught.value.code == 403
