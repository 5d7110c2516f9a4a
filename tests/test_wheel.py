"""A wheel works alone: everything that vlogd needs at run time is in it."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from clips import ffmpeg
from daemon import DEMO, MODEL

ROOT = Path(__file__).parent.parent
_SOURCES = ("vlogd", "systemd", "pyproject.toml", "README.md", "LICENSE", "config.example.yaml")
"""What a wheel is built from."""

_SETTINGS = f"stages: {{hls: {{preset: ultrafast}}, captions: {{model: {MODEL}}}}}\n"


def run(*command: str | Path, folder: Path) -> str:
    """The output of a command that must succeed. It runs in `folder` and finds no vlogd by the environment's help."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the checkout, without network."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "checkout"
    copy.mkdir()
    for name in _SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy)
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", "wheel", "-q", *options, copy, folder=folder)
    shutil.rmtree(copy)
    (path,) = folder.glob("vlogd-*.whl")
    return path


def test_it_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """All files of the package, the licence, and the two files that documents and messages point to."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = [name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "vlogd").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shared = {
        f"share/doc/vlogd/{name}" for name in ("config.example.yaml", "vlogd.service", "vlogd-model.service")
    }
    assert {name.partition(".data/data/")[2] or name for name in names} == package | shared
    assert "vlogd/py.typed" in names
    assert "vlogd/site/static/index.html" in names
    assert len(licences) == 1


@pytest.mark.slow
def test_it_publishes_a_clip_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Installed into a fresh environment, which takes only the dependencies from this one."""
    environment, home = tmp_path / "environment", tmp_path / "home"
    run(sys.executable, "-m", "venv", "--without-pip", environment, folder=tmp_path)
    python = environment / "bin/python"
    options = ("--no-deps", "--no-index", "--no-warn-script-location")
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", *options, wheel, folder=tmp_path)
    (packages,) = environment.glob("lib/python*/site-packages")
    # A plain line of a .pth file is added to the path; .pth files in there, such as that of this checkout, are not read.
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    where = run(python, "-c", "import vlogd; print(vlogd.__file__)", folder=tmp_path)
    assert Path(where.strip()).parent == packages / "vlogd"

    vlogd = environment / "bin/vlogd"
    run(vlogd, "init", home, folder=tmp_path)
    config = home / "vlogd.yaml"
    config.write_text(config.read_text() + _SETTINGS)
    ffmpeg("-i", DEMO, "-t", "6", "-c", "copy", home / "inbox/clip.mp4")
    run(vlogd, "--config", config, "run", "--once", folder=tmp_path)

    (video,) = [json.loads(path.read_text()) for path in home.glob("library/videos/*/video.json")]
    assert (video["status"], video["error"]) == ("ready", None)
    (captions,) = home.glob("library/videos/*/captions.vtt")
    assert "-->" in captions.read_text()
    for path in (ROOT / "vlogd/site/static").rglob("*"):
        published = home / "library" / path.relative_to(ROOT / "vlogd/site/static")
        assert path.is_dir() or published.read_bytes() == path.read_bytes()
