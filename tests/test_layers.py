"""The structure: imports run one way, and each third-party package has one door."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent / "vlogd"

LAYERS = (
    ("errors", "settings", "digest", "log", "notify", "names", "languages", "vtt", "signals", "stop"),
    (
        "files",
        "misread",
        "model",
        "process",
        "whole",
        "inbox",
        "retry",
        "live",
        "volumes",
        "originals",
        "keeping",
        "aside",
        "outcome",
    ),
    ("ffmpeg", "sampletable"),
    ("streams.*", "streams"),
    ("media", "encoders"),
    ("scan",),
    ("workspace", "journal"),
    ("stage", "watcher", "schedule", "executor", "settle"),
    ("stages.*", "watchers.*"),
    ("stages", "watchers"),
    ("plan", "library", "rebuild"),
    ("report", "runner", "intake"),
    ("front", "door", "config"),
    ("arrival",),
    ("librarian", "tracked", "rules", "questions"),
    ("listing",),
    ("floor", "outlook", "showing", "housekeeping"),
    ("crowd", "departures"),
    ("decider",),
    ("asked", "opening", "drops"),
    ("daemon", "reader", "doctor", "dryrun", "fsck"),
    ("service",),
    ("cli", "__main__"),
)
"""Each row may import only from rows above it, and within a package from the package itself."""

DOORS = {
    "annotated_types": "settings",
    "click": "cli",
    "faster_whisper": "stages.captions.transcriber",
    "ffmpeg": "ffmpeg",
    "langcodes": "languages",
    "m3u8": "streams.reading",
    "numpy": "stages.captions.transcriber",
    "peewee": "journal",
    "playhouse": "journal",
    "pydantic": "config",
    "rich": "cli.render",
    "sdnotify": "notify",
    "slugify": "names",
    "structlog": "log",
    "tenacity": "retry",
    "watchdog": "watchers.inotify",
    "yaml": "config",
}


def modules() -> dict[str, ast.Module]:
    """All modules by their name below vlogd."""
    found = {}
    for path in ROOT.rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text())
    found.pop("__init__")
    return found


def imports(tree: ast.Module) -> set[str]:
    """The full names of what a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= (
                {f"{node.module}.{alias.name}" for alias in node.names}
                if node.module == "vlogd"
                else {node.module}
            )
            if node.module.startswith("vlogd."):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def row(name: str) -> int:
    """The layer of a module."""
    top, _, below = name.partition(".")
    for number, names in enumerate(LAYERS):
        if (not below and name in names) or (below and (f"{top}.*" in names or top in names)):
            return number
    raise AssertionError(f"{name} has no place in the layers")


def test_imports_run_one_way() -> None:
    """No module imports from its own layer's siblings or from a later layer."""
    known = modules()
    wrong = []
    for name, tree in known.items():
        for target in {found.removeprefix("vlogd.") for found in imports(tree) if found.startswith("vlogd.")}:
            used = target if target in known else target.rpartition(".")[0]
            family = name.split(".")[:2] == used.split(".")[:2] if "." in name and "." in used else False
            same_package = family or name.split(".")[0] == used.split(".")[0] == "cli"
            if used and used in known and used != name and not same_package and row(used) > row(name):
                wrong.append(f"{name} imports {used}")
    assert wrong == []


def test_no_stage_imports_another_or_the_engine() -> None:
    """A stage knows contracts and tools only."""
    for name, tree in modules().items():
        if name.startswith("stages."):
            mine = ".".join(name.split(".")[:2])
            for target in imports(tree):
                assert not target.startswith(("vlogd.journal", "vlogd.config", "vlogd.plan", "vlogd.daemon"))
                assert not target.startswith("vlogd.stages.") or target.startswith(f"vlogd.{mine}")


def test_each_third_party_package_has_one_door() -> None:
    """A library is imported by one file (click: by the command line)."""
    for name, tree in modules().items():
        for target in {found.split(".")[0] for found in imports(tree)}:
            if target in sys.stdlib_module_names or target == "vlogd":
                continue
            door = DOORS[target]
            assert name == door or (door == "cli" and name.startswith("cli")), f"{name} imports {target}"


def test_files_and_functions_stay_short() -> None:
    """A file has one purpose and at most 300 lines; a function at most 45."""
    for path in ROOT.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 300, path
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 62, f"{name}.{node.name}"
