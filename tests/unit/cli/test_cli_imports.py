"""What the commands load: completion and `--help` answer at once, and no process holds what it does not use."""

import subprocess
import sys
from pathlib import Path

import pytest

_HEAVY = {"faster_whisper", "ctranslate2", "onnxruntime", "numpy", "av"}
"""The transcriber's libraries, which its own process loads: some 400 MiB."""


def loaded(code: str, cwd: Path) -> set[str]:
    """The packages that are loaded after some code ran in a process of its own."""
    script = f"import sys\n{code}\nprint('\\n', *{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=cwd)
    return set(done.stdout.splitlines()[-1].split())


def vlogd(*words: object) -> str:
    """Code that runs a command."""
    return f"from vlogd.cli import main\ntry: main({[str(word) for word in words]!r})\nexcept SystemExit as e: assert not e.code, e.code"


def test_help_loads_click_only(tmp_path: Path) -> None:
    """Not the configuration's libraries, nor the log's, the journal's or the tables'."""
    packages = loaded(vlogd("--help"), tmp_path)
    assert "click" in packages
    assert not packages & {"pydantic", "yaml", "structlog", "rich", "peewee", "m3u8", *_HEAVY}


@pytest.mark.parametrize("command", ["status --json", "retry --all", "restore"])
def test_commands_for_scripts_load_neither_tables_nor_watchers(tmp_path: Path, command: str) -> None:
    """A script that asks every second should not pay for what people look at."""
    home = tmp_path / "home"
    loaded(vlogd("init", home), tmp_path)
    packages = loaded(vlogd("--config", home / "vlogd.yaml", *command.split()), tmp_path)
    assert "pydantic" in packages
    assert not packages & {"structlog", "rich", "sdnotify", *_HEAVY}


def test_the_daemon_loads_neither_the_transcriber_s_libraries_nor_the_tables(tmp_path: Path) -> None:
    """It lives for months; every loaded library is memory."""
    assert not loaded("import vlogd.daemon.service, vlogd.cli.run", tmp_path) & {"http.server", *_HEAVY}
