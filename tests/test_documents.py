"""What the documents say about the repository is true: links, files, scripts, tests, decisions and commands."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from vlogd.cli import cli

ROOT = Path(__file__).parent.parent
DECISIONS = ROOT / "docs/decisions"
_FOLDERS = ("bench", "docs", "scripts", "systemd", "tests", "vlogd")
_FILES = [path for path in ROOT.iterdir() if path.is_file()] + [
    path for folder in _FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()
]
DOCUMENTS = sorted(str(path.relative_to(ROOT)) for path in _FILES if path.suffix == ".md")
_NAMES = {path.name for path in _FILES}


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
    "name",
    [name for name in DOCUMENTS if not name.startswith(("CHANGELOG", "docs/decisions/", "tests/data/"))],
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
    named = set(re.findall(r"^\| `vlogd ([a-z-]+)", table, re.MULTILINE))
    named |= set(re.findall(r", `vlogd ([a-z-]+)", table))
    shown = CliRunner().invoke(cli, ["--help"]).output
    commands = set(re.findall(r"^  ([a-z-]+) ", shown.partition("Commands:")[2], re.MULTILINE))
    assert named == commands


def test_the_index_of_decisions_is_what_the_pages_say() -> None:
    """Each page has one number, title, date and state, and its row in the index says the same."""
    rows = []
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        head = re.match(
            r"# (\d+)\. (.+)\n\nDate: (\d{4}-\d\d-\d\d)\. State: (accepted|replaced by \d+)\.\n",
            path.read_text(),
        )
        assert head, f"{path.name} does not begin with its title, date and state"
        number, title, date, state = head.groups()
        assert path.name.startswith(f"{int(number):04d}-")
        rows.append(f"| {number} | [{title}]({path.name}) | {date} | {state} |")
    index = (DECISIONS / "README.md").read_text().splitlines()
    assert [line for line in index if re.match(r"\| \d", line)] == rows


def test_every_script_is_described() -> None:
    """docs/development.md has a row for each script, and none for a script that is not there."""
    described = set(
        re.findall(r"^\| `(scripts/[\w-]+)", (ROOT / "docs/development.md").read_text(), re.MULTILINE)
    )
    assert described == {f"scripts/{path.name}" for path in (ROOT / "scripts").iterdir() if path.is_file()}


def test_the_changelog_lists_unreleased_changes_first() -> None:
    """Keep a Changelog: `Unreleased`, then each version with its date, the newest first."""
    headings = re.findall(r"^## (.*)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    dates = [re.fullmatch(r"\[\d+\.\d+\.\d+\] - (\d{4}-\d\d-\d\d)", heading) for heading in headings[1:]]
    assert all(dates), headings
    assert [date[1] for date in dates if date] == sorted((date[1] for date in dates if date), reverse=True)
