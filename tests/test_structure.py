"""The house: which room may import which, and the one place of each third-party package."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent / "vlogd"

ROOMS = {
    "core": "",
    "media": "core",
    "storage": "core",
    "notify": "core",
    "watchers": "core",
    "stages": "media core",
    "site": "storage core",
    "ingest": "watchers storage media core",
    "engine": "ingest site stages storage media notify core",
    "config": "engine ingest site stages watchers notify storage media core",
    "daemon": "config engine ingest site stages watchers notify storage media core",
    "cli": "daemon config engine ingest site stages watchers notify storage media core",
    "__main__": "cli",
}
"""A room, and those that it may import from: all of them stand above it."""

THIRD_PARTY = {
    "annotated_types": "core.settings",
    "click": "cli",
    "faster_whisper": "stages.captions.transcriber",
    "ffmpeg": "media.ffmpeg",
    "langcodes": "media.languages",
    "m3u8": "media.streaming.hls_reader",
    "numpy": "stages.captions.transcriber",
    "peewee": "storage.journal.database",
    "playhouse": "storage.journal.database",
    "pydantic": "config",
    "rich": "cli.render",
    "sdnotify": "notify.systemd",
    "slugify": "core.titles",
    "structlog": "core.log",
    "tenacity": "engine.retry",
    "watchdog": "watchers.inotify",
    "yaml": "config",
}
"""A package, and the one module (click: room) that imports it."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    """All modules by their name below vlogd, but for vlogd itself."""
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix("__init__").rstrip(".")
        if name:
            yield name, ast.parse(path.read_text())


def imports(tree: ast.Module) -> set[str]:
    """The full names of what a module imports, wherever in it; `from vlogd.core import files` is vlogd.core.files."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_each_room_imports_from_rooms_above_it_only() -> None:
    """Never from its own rank or from below, whatever the import stands in."""
    above: set[str] = set()
    for room, may in ROOMS.items():
        assert set(may.split()) <= above, f"{room} stands above one of {may}"
        above.add(room)
    wrong = [
        f"{name} imports {target}"
        for name, tree in modules()
        for target in imports(tree)
        if target.startswith("vlogd.")
        if (room := target.split(".")[1]) not in {name.split(".")[0], *ROOMS[name.split(".")[0]].split()}
    ]
    assert wrong == []


def test_no_stage_imports_another() -> None:
    """A stage knows the contract, the workspace and the artifacts that it reads; the pipeline alone knows all stages."""
    shared = {"contract", "workspace", "facts", "scan_facts", "artifacts", "pipeline"}
    for name, tree in modules():
        room, _, inside = name.partition(".")
        own = inside.split(".")[0]
        for target in imports(tree):
            if room == "stages" and own != "pipeline" and target.startswith("vlogd.stages."):
                assert target.split(".")[2] in shared - {"pipeline"} | {own}, f"{name} imports {target}"


def test_each_third_party_package_is_imported_in_one_place() -> None:
    """And each entry of the table is used."""
    used = {
        (package, name if name.split(".")[0] != "cli" or package != "click" else "cli")
        for name, tree in modules()
        for package in {target.split(".")[0] for target in imports(tree)}
        if package not in sys.stdlib_module_names and package != "vlogd"
    }
    assert used == set(THIRD_PARTY.items())


def test_files_have_at_most_300_lines() -> None:
    """A file has one purpose."""
    assert [str(path) for path in ROOT.rglob("*.py") if len(path.read_text().splitlines()) > 300] == []


def test_functions_have_at_most_45_lines() -> None:
    """From `def` to its last line, without decorators."""
    long = [
        f"{name}.{node.name}"
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (node.end_lineno or 0) - node.lineno + 1 > 45
    ]
    assert long == []


def test_every_package_says_what_it_owns() -> None:
    """`ls vlogd/` explains the system, and each `__init__` the room."""
    silent = [name for name, tree in modules() if not ast.get_docstring(tree)]
    assert silent == []
    assert {path.name for path in ROOT.iterdir() if path.suffix or any(path.glob("*.py"))} == {
        "__init__.py",
        "py.typed",
        *(f"{room}.py" if room in ("config", "__main__") else room for room in ROOMS),
    }
