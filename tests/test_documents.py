"""What the documents name is there: files, scripts, tests, decisions and commands."""

import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from vlogd.cli import cli

ROOT = Path(__file__).parent.parent
_TRACKED = subprocess.run(
    ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
).stdout.splitlines() or [
    str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if ".venv" not in path.parts
]
DOCUMENTS = sorted(name for name in _TRACKED if name.endswith(".md") and "/data/" not in name)
_NAMES = {Path(name).name for name in _TRACKED}


def code_words(text: str) -> set[str]:
    """The words in code spans and blocks."""
    spans = re.findall(r"`([^`\n]+)`", text) + re.findall(r"```\n(.*?)```", text, re.DOTALL)
    return {word.strip("().,:;") for span in spans for word in span.split()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    """Relative links, and pictures."""
    folder = (ROOT / name).parent
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / name).read_text())
    assert [link for link in links if "://" not in link and not (folder / link).exists()] == []


@pytest.mark.parametrize(
    "name", [name for name in DOCUMENTS if not name.startswith(("CHANGELOG", "docs/decisions/"))]
)
def test_named_files_exist(name: str) -> None:
    """Paths of the repository, and tests by their file names. History may name what is gone."""
    words = code_words((ROOT / name).read_text())
    paths = {w for w in words if re.match(r"(vlogd|tests|scripts|bench|docs|systemd)/[\w./-]*\w$", w)}
    tests = {w for w in words if re.match(r"test_\w+\.py$", w)}
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    assert sorted(tests - _NAMES) == []


def test_every_command_stands_in_the_readme() -> None:
    """The table of commands names those of `vlogd --help`, and no others."""
    table = (ROOT / "README.md").read_text()
    named = set(re.findall(r"^\| `vlogd ([a-z]+)", table, re.MULTILINE))
    named |= set(re.findall(r", `vlogd ([a-z]+)", table))
    shown = CliRunner().invoke(cli, ["--help"]).output
    commands = set(re.findall(r"^  ([a-z]+) ", shown.partition("Commands:")[2], re.MULTILINE))
    assert named == commands
