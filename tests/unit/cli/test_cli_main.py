"""Commands in this process: messages, exit codes, and what may reach a terminal."""

import ast
import fcntl
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import vlogd.cli as cli_package
from vlogd.cli import main
from vlogd.cli.init_add import init
from vlogd.core.model import File, Item
from vlogd.storage.journal_recovery import open_journal
from vlogd.storage.originals import Originals

EVIL = "a \x1b[2J\x1b]0;title\x07 film"
"""A title that clears the screen and renames the window."""

Vlogd = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which nothing has happened."""
    assert init.callback is not None
    init.callback(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def vlogd(home: Path, capsys: pytest.CaptureFixture[str]) -> Vlogd:
    """Run one command in `home`: its exit code, standard output and standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(home / "vlogd.yaml"), *map(str, words)])
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, captured.out, captured.err

    return run


def known(home: Path, title: str = "Film", item_id: str = "0123456789abcdef") -> Item:
    """A video that the journal and the originals know."""
    item = Item(item_id, title, f"film-{item_id}", "main", File(f"{item_id}/{title}.mp4"), item_id, 5, 1e9)
    folder = home / "originals" / item_id
    folder.mkdir()
    (folder / f"{title}.mp4").write_text("film")
    Originals(home / "originals").write_item(folder, item)
    journal = open_journal(home / "state")
    journal.items.add(item)
    journal.close()
    return item


def requests(home: Path) -> list[dict[str, object]]:
    """What was asked of the daemon."""
    return [json.loads(path.read_text()) for path in sorted((home / "state/requests").glob("*.json"))]


def test_plan_refuses_an_inbox_that_does_not_exist(home: Path, vlogd: Vlogd) -> None:
    """It must not plan with other settings than those that were asked for. `add` says the same."""
    film = home / "film.mp4"
    film.write_text("film")
    for command in ("plan", "add"):
        code, out, error = vlogd(command, "--inbox", "nosuch", film)
        assert (code, out) == (2, "")
        assert "There is no inbox 'nosuch'; there is main." in error


@pytest.mark.parametrize("command", ["show", "why", "retry", "cancel", "rm", "verify"])
def test_commands_find_a_video_by_the_same_rules(home: Path, vlogd: Vlogd, command: str) -> None:
    """Whatever is known of the name; an unknown one is exit code 3 with one sentence."""
    known(home)
    for name in ("Film", "film-0123", "0123456789abcdef"):
        code, _, error = vlogd(command, name)
        assert code in (0, 1), error
        assert "There is no video" not in error
    code, out, error = vlogd(command, "nothing")
    assert (code, out) == (3, "")
    assert error == "vlogd: There is no video 'nothing'; `vlogd status` lists all videos.\n"


def test_restore_finds_what_is_in_the_trash_by_the_same_rules(home: Path, vlogd: Vlogd) -> None:
    """By title, too; what is not in the trash cannot be restored."""
    item = known(home)
    code, _, error = vlogd("restore", "Film")
    assert (code, error) == (
        3,
        "vlogd: There is no video 'Film'; `vlogd restore` lists the videos in the trash.\n",
    )
    Originals(home / "originals").remove(item, 2e9)
    assert vlogd("restore") == (0, f"{item.slug}  Film  (until 2033-05-18)\n", "")
    for name in ("Film", "film-0123", item.id):
        assert vlogd("restore", name) == (0, "Film: will be restored as soon as vlogd runs.\n", "")
    assert [request["restore"] for request in requests(home)] == [item.id] * 3


def test_requests_wait_for_the_daemon(home: Path, vlogd: Vlogd) -> None:
    """Each says what will happen, and when."""
    item = known(home)
    assert vlogd("cancel", "Film")[1] == "Film: will be cancelled as soon as vlogd runs.\n"
    assert vlogd("retry", "Film")[1] == "Film: will be tried again as soon as vlogd runs.\n"
    assert vlogd("retry", "--all")[1] == "No video has failed.\n"
    assert vlogd("rm", "Film")[1] == "Film: will be moved to the trash, for 30 days, as soon as vlogd runs.\n"
    assert vlogd("rm", "--now", "Film")[1] == "Film: will be deleted for good, as soon as vlogd runs.\n"
    kinds = [{key for key in request if key not in ("at", "format", "code")} for request in requests(home)]
    assert kinds == [{"cancel"}, {"retry"}, {"remove", "now"}, {"remove", "now"}]
    assert [request["now"] for request in requests(home)[2:]] == [False, True]
    assert requests(home)[0]["cancel"] == item.id


def test_no_name_can_write_to_the_terminal(home: Path, vlogd: Vlogd, tmp_path: Path) -> None:
    """Titles, names of files and what was typed are shown with their escapes."""
    item = known(home, EVIL)
    strange = tmp_path / f"{EVIL}.mp4"
    strange.write_text("not a film")
    (tmp_path / f"{EVIL}.m3u8").write_text("not a playlist")
    (tmp_path / EVIL).mkdir()
    commands: list[tuple[object, ...]] = [
        ("status",),
        ("show", item.id),
        ("why", item.id),
        ("cancel", item.id),
        ("retry", item.id),
        ("rm", item.id),
        ("show", EVIL + "x"),
        ("restore", EVIL),
        ("add", strange),
        ("plan", strange),
        ("plan", tmp_path / f"{EVIL} no such file"),
        ("plan", "--inbox", EVIL, strange),
        ("verify", item.id),
        ("verify", tmp_path / f"{EVIL}.m3u8"),
        ("verify", tmp_path / EVIL),
        ("init", tmp_path / f"{EVIL} home"),
        (EVIL,),
        ("--nonsense" + EVIL,),
        ("fsck",),
        ("doctor",),
    ]
    for command in commands:
        _, out, error = vlogd(*command)
        assert not {"\x1b", "\x07"} & set(out + error), command
        assert out + error, command
    Originals(home / "originals").remove(item, 2e9)
    assert "\\x1b[2J" in vlogd("restore")[1]


def test_nothing_is_wrapped_where_there_is_no_terminal(home: Path, vlogd: Vlogd) -> None:
    """A script reads lines, whatever their length; 80 columns are a terminal's."""
    words = " ".join(f"word{number}" for number in range(30))
    item = known(home, words)
    code, out, _ = vlogd("show", item.id)
    assert code == 0
    assert f"{words}.mp4" in out
    assert f"{words} " in vlogd("status")[1]


def test_wrong_use_is_one_sentence_and_exit_code_2(vlogd: Vlogd) -> None:
    """With the usage of the command, and without a traceback."""
    code, out, error = vlogd("retry")
    assert (code, out) == (2, "")
    usage, sentence = error.splitlines()
    assert usage.startswith("Usage: ")
    assert usage.endswith(" retry [OPTIONS] [VIDEO]")
    assert sentence == "vlogd: Name one video, or use --all."
    assert vlogd("nonsense")[0] == 2


def test_a_file_that_cannot_be_read_is_a_sentence(home: Path, vlogd: Vlogd) -> None:
    """An I/O error is not a traceback (a folder stands where the status file should be; a fake for any of them)."""
    known(home)
    (home / "state/live.json").mkdir()
    lock = (home / "state/lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    code, _, error = vlogd("status")
    lock.close()
    assert code == 1
    assert error == f"vlogd: {home / 'state/live.json'}: Is a directory.\n"


@pytest.mark.parametrize(
    "option", ["--bind=0.0.0.0", "--bind=nonsense", "--bind=", "--port=65536", "--port=-1"]
)
def test_serve_refuses_what_it_cannot_or_must_not_serve(vlogd: Vlogd, option: str) -> None:
    """Nothing but this machine, with a sentence."""
    code, out, error = vlogd("serve", option)
    assert (code, out) == (2, "")
    assert error.splitlines()[1].startswith("vlogd: Invalid value for ")


def test_only_output_and_render_write_to_the_terminal() -> None:
    """Else a new command could forget to escape what it prints."""
    folder = Path(cli_package.__file__).parent
    writers = {
        path.name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for name in [ast.unparse(node.func)]
        if name in ("print", "click.echo", "click.secho") or name.startswith(("sys.stdout", "sys.stderr"))
        if not name.endswith(".fileno")
    }
    assert writers == {"output.py"}
