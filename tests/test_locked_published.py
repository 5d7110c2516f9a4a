"""What a file says of the person who made it is not published: not by name, and not in any file of the public tree."""

import json
from pathlib import Path

from clips import stamped
from daemon import Home

from vlogd.site import public

PRIVATE = {
    "location": "+48.1371+011.5754/",
    "comment": "only for Ada",
    "description": "a quarrel in the kitchen",
    "make": "Phonemaker",
    "model": "Telephone 9",
    "artist": "A. Lovelace",
}
"""Tags as a phone or a person writes them; the artist is one that may be known."""


def test_positions_comments_and_devices_stay_here(tmp_path: Path) -> None:
    """A film with such tags: they are in vlogd's own folders, and nowhere else."""
    home = Home(tmp_path / "home")
    tags = [word for name, value in PRIVATE.items() for word in ("-metadata", f"{name}={value}")]
    stamped(home.inbox / "film.mp4", "-movflags", "use_metadata_tags", *tags,
            "-metadata", "creation_time=2026-05-04T03:02:01Z", seconds=2)  # fmt: skip
    assert home.once().returncode == 0
    (video,) = (home.library / "videos").iterdir()
    in_public = [path for path in home.library.rglob("*") if path.is_file() and ".workshop" not in path.parts]
    assert len(in_public) > 20
    for name, value in PRIVATE.items():
        holders = [path.name for path in in_public if value.encode() in path.read_bytes()]
        assert holders == (["meta.json", "meta.json"] if name == "artist" else []), name
    assert not [path.name for path in in_public if b"03:02:01" in path.read_bytes()]
    assert json.loads((video / "meta.json").read_text())["recorded_at"] == "2026-05-04"
    described = [*(home.library / ".workshop").rglob("probe.json")]
    assert [PRIVATE["location"] in path.read_text() for path in described] == [True]
    assert (home.library / ".workshop").stat().st_mode & 0o077 == 0
    for name in json.loads((video / "video.json").read_text())["files"]:
        assert public.path_of(f"/videos/{video.name}/{name}") is not None, name
