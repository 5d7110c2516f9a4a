"""What web servers give to viewers: the list, tried on a library that a release made."""

import json
import re
import shutil
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlogd.site import public

ARCHIVE = Path(__file__).parents[2] / "data/home-0.1.0.tar.xz"
PAGE = Path(public.__file__).parent / "static"


def test_all_that_viewers_need_of_a_library_is_public_and_nothing_else(tmp_path: Path) -> None:
    """The page, each stable name, and whatever playlists and manifest lead to; of the rest only what is of the same kind."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path)  # noqa: S202 - our own archive; Python 3.11.2 has no filters
    library = tmp_path / "library"
    (video,) = (library / "videos").iterdir()
    names = json.loads((video / "video.json").read_text())["files"]
    shutil.copytree(PAGE, library, dirs_exist_ok=True)
    needed = {path for path in library.rglob("*") if (PAGE / path.relative_to(library)).is_file()}
    needed |= {library / "catalog.json", video / "video.json", *(video / name for name in names)}
    for playlist in library.rglob("*.m3u8"):
        lines = [line for line in playlist.read_text().splitlines() if line and not line.startswith("#")]
        lines += re.findall(r'URI="([^"]+)"', playlist.read_text())
        needed |= {playlist.parent / line for line in lines}
    public_files = {path for path in library.rglob("*") if path.is_file() and served(library, path)}
    assert len(needed) > 25
    assert needed <= public_files
    assert {path.name for path in public_files}.isdisjoint(
        {"artifact.json", "view.json", "probe.json", "video.pts", "video.keys", "verify.json", "texts.json"}
    )
    assert not [path for path in public_files if re.match("(probe|meta|verify)-", path.parent.name)]


def served(library: Path, path: Path) -> bool:
    """Whether a file is public under its own path."""
    return public.path_of(f"/{path.relative_to(library)}") == str(path.relative_to(library))


@pytest.mark.parametrize(
    "target",
    [
        "", "*", "http://example.org/", "index.html", "//index.html", "/videos/a/../../vlogd.yaml", "/videos/%2e%2e/a.vtt",
        "/videos/a/%2E./b.vtt", "/.workshop/a.m3u8", "/videos/.a/b.m3u8", "/videos/a//b.m3u8", "/videos//b.m3u8",
        "/videos/a/b.m3u8%00.jpg", "/videos/a%00/b.m3u8", "/videos/a/b.m3u8%0a", "/videos/a/%ff.m3u8", "/videos/a/é.m3u8",
        "/videos/b.m3u8", "/a.m3u8", "/assets/a/b.js", "/videos/a/b.m3u8/", "/videos/a/", "/videos/a/%252e%252e/b.m3u8%2f",
        "/videos/a/artifact.json", "/videos/a/hls-1/artifact.json", "/videos/a/hls-1/video.json",
    ],
)  # fmt: skip
def test_a_target_that_leads_nowhere(target: str) -> None:
    """Hidden, outside, malformed, or vlogd's own."""
    assert public.path_of(target) is None


def test_a_target_is_decoded_once_and_its_query_left_out() -> None:
    """As RFC 3986 says."""
    assert public.path_of("/") == public.path_of("/?x=/../") == "index.html"
    assert public.path_of("/videos/a%20b/%C3%A9.vtt?v=1") == "videos/a b/é.vtt"
    assert public.path_of("/videos/a/%2561.vtt") == "videos/a/%61.vtt"
    assert public.path_of("/videos%2Fa/b.vtt") == "videos/a/b.vtt"


@given(st.text(alphabet="/.%2eEfF05cabm3u8vtx\\\0\n", max_size=40))
def test_no_target_leaves_the_library_or_reaches_a_hidden_name(text: str) -> None:
    """Whatever is asked for."""
    path = public.path_of(f"/videos/a/{text}.vtt")
    if path is not None:
        assert all(part and not part.startswith(".") for part in path.split("/"))
        assert path.isprintable()


def test_every_extension_that_is_served_has_a_type() -> None:
    """A file without a type would be guessed at."""
    groups = re.findall(r"\\\.\(\?:([a-z0-9|]+)\)", public.CHANGING + public.FIXED)
    assert {extension for group in groups for extension in group.split("|")} | {"html", "json"} == set(
        public.TYPES
    )
