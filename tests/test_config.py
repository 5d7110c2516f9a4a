"""The configuration: complete example, every problem at once, each a sentence with its key."""

import dataclasses
import re
from pathlib import Path

import pytest
import yaml

from vlogd import config
from vlogd.core.errors import ConfigError
from vlogd.stages.pipeline import STAGES

EXAMPLE = Path(__file__).parent.parent / "config.example.yaml"


def uncommented() -> dict[str, object]:
    """The example with every key that it documents switched on."""
    lines = [
        re.sub(r"^(\s*)# ?", r"\1", line) if ":" in line or "- {" in line else line
        for line in EXAMPLE.read_text().splitlines()
    ]
    body = [line for line in lines if not re.match(r"\s*#", line) and not re.match(r"^[A-Z`].*", line)]
    found: dict[str, object] = yaml.safe_load("\n".join(body))
    return found


def load(tmp_path: Path, text: str) -> config.Config:
    """A configuration from text."""
    (tmp_path / "vlogd.yaml").write_text(text)
    return config.load(tmp_path / "vlogd.yaml")


HOME = "state: s\noriginals: o\nlibrary: l\ninboxes: {main: {folder: i}}\n"


def test_the_example_documents_every_key_with_its_default() -> None:
    """Every field of every section stands in the example, with the value that it has by default."""
    shown = uncommented()
    assert set(shown) == {field.name for field in dataclasses.fields(config.Sections)}
    for stage in STAGES:
        fields = dataclasses.fields(stage.settings)
        if fields:
            assert shown["stages"][stage.name] == yaml.safe_load(  # type: ignore[index]
                yaml.safe_dump(_plain(dataclasses.asdict(stage.settings())))
            )
    for name in ("slots", "retry", "limits"):
        section = {field.name: field.type for field in dataclasses.fields(config.Sections)}[name]
        assert shown[name] == dataclasses.asdict(section())  # type: ignore[operator]
    inbox = {
        f.name: f.default
        for f in dataclasses.fields(config.InboxSection)
        if f.name not in ("folder", "stages")
    }
    assert {k: v for k, v in shown["inboxes"]["main"].items() if k not in ("folder", "stages")} == inbox  # type: ignore[index]


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def test_the_example_is_valid(tmp_path: Path) -> None:
    """It loads as it stands."""
    assert load(tmp_path, EXAMPLE.read_text()).library == Path("/srv/video/library")


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Unknown keys, wrong values and missing ones come together, each with its path."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "state: s\nlibary: l\ninboxes: {main: {folder: i, settle_seconds: -1}}\n"
                       "stages: {hls: {crf: 80, presett: fast}, posters: {}}\n")  # fmt: skip
    told = "\n".join(caught.value.problems)
    for words in ("originals: is missing", "libary: there is no such key", "did you mean library",
                  "inboxes.main.settle_seconds: input should be greater than or equal to 0, but it is -1",
                  "stages.hls.crf: input should be less than or equal to 51, but it is 80",
                  "stages.hls.presett: there is no such key; did you mean preset",
                  "stages.posters: there is no such stage; did you mean poster"):  # fmt: skip
        assert words in told


def test_folders_must_not_swallow_one_another(tmp_path: Path) -> None:
    """An inbox inside the library is refused."""
    with pytest.raises(ConfigError, match="inside library"):
        load(tmp_path, HOME.replace("folder: i", "folder: l/i"))


def test_an_inbox_overrides_a_setting(tmp_path: Path) -> None:
    """What an inbox says wins over the file's, which wins over the default."""
    text = (
        HOME.replace("folder: i", "folder: i, stages: {hls: {crf: 30}}")
        + "stages: {hls: {crf: 20, preset: fast}}\n"
    )
    found = load(tmp_path, text)
    assert (found.stage_settings("main")["hls"].crf, found.stage_settings("main")["hls"].preset) == (
        30,
        "fast",
    )
    assert found.stage_settings("another")["hls"].crf == 20


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a\n",
        "a: [",
        "\x00",
        HOME + "note: 2024-13-45\n",
        HOME + "note: !!float abc\n",
        HOME + "note: !!bool abc\n",
        HOME + "note: !!timestamp abc\n",
        "[" * 5000,
        HOME.replace("state: s", "state: ~no-such-user/s"),
        HOME.replace("folder: i", "folder: ~no-such-user/s"),
        HOME.replace("state: s", 'state: "a\\0b"'),
        HOME + "stages: {hls: 5, 7: {}, posters: {}}\n",
        HOME + "stages: {hls: {ladder: []}}\n",
        HOME + "note: &a [*a]\n",
    ],
)
def test_what_is_no_configuration_is_refused_with_a_sentence(text: str, tmp_path: Path) -> None:
    """Empty files, lists, broken YAML, values and paths that are none never raise anything else."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert all(problem.endswith(".") for problem in caught.value.problems)


def test_a_ladder_that_cannot_be_climbed_is_refused(tmp_path: Path) -> None:
    """No rung at all, and two rungs of one height, which would be one folder."""
    two = "[{height: 360, max_kbps: 800}, {height: 360, max_kbps: 900}]"
    with pytest.raises(ConfigError, match=r"^stages\.hls: the ladder has more than one rung of height 360\."):
        load(tmp_path, HOME + f"stages: {{hls: {{ladder: {two}}}}}\n")
    with pytest.raises(ConfigError, match=r"^stages\.hls: the ladder needs at least one rung\."):
        load(tmp_path, HOME + "stages: {hls: {ladder: []}}\n")
