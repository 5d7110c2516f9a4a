"""What the documents say about the repository's own files is true: links, the index of decisions, the scripts."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/data/**/*.md")])
DECISIONS = ROOT / "docs/decisions"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    """Links to other pages and pictures of this repository, without those to the web."""
    targets = re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text())
    broken = [name for name in targets if "://" not in name and not (page.parent / name).exists()]
    assert broken == []


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
