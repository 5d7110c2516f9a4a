"""The walls by themselves: what a tool may touch, and what it may not; and what is told where one is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from vlogd.core.errors import ToolFailed, Unavailable
from vlogd.media import ffmpeg, process
from vlogd.media.process import Limits
from vlogd.media.sandbox import landlock, launcher, syscall_filter, walls
from vlogd.media.sandbox.access import Access
from vlogd.media.sandbox.walls import Bounds, Walls

NEEDS_LANDLOCK = pytest.mark.skipif(not walls.walls().landlock_abi, reason="no Landlock here")
NEEDS_FILTERS = pytest.mark.skipif(not walls.walls().filters, reason="no seccomp here")
PYTHON = "/usr/bin/python3"


def run(script: str, access: Access = Access(), limits: Limits = Limits()) -> str:  # noqa: B008 - both are frozen
    """What a script of sh prints behind the walls."""
    return process.output(["sh", "-c", script], limits=limits, access=access)


@NEEDS_LANDLOCK
def test_a_tool_reads_what_is_named_and_nothing_beside_it(tmp_path: Path) -> None:
    """A file, a folder, or through a link the file behind it."""
    for name in ("film", "other"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("film")
    named = Access(reads=(tmp_path / "film",))
    assert run(f"exec cat {tmp_path}/link", named) == "film"
    for refused in ("other", "."):
        with pytest.raises(ToolFailed) as caught:
            run(f"exec cat {tmp_path}/{refused}" if refused != "." else f"exec ls {tmp_path}", named)
        assert "Permission denied" in caught.value.stderr_tail[-1]
    assert run(f"exec cat {tmp_path}/other", Access(reads=(tmp_path,))) == "other"


@NEEDS_LANDLOCK
def test_a_tool_writes_where_it_may_and_runs_nothing_there(tmp_path: Path) -> None:
    """Also below, and it may rename and remove."""
    scratch, library = tmp_path / "scratch", tmp_path / "library"
    for folder in (scratch, library):
        folder.mkdir()
    free = Access(writes=(scratch,), processes=True)
    run(
        f"mkdir {scratch}/a && echo x >{scratch}/a/b && mv {scratch}/a/b {scratch}/c && rm -r {scratch}/a",
        free,
    )
    assert [path.name for path in scratch.iterdir()] == ["c"]
    for attempt in (f"echo x >{library}/x", f"mv {scratch}/c {library}/c", f"ln {scratch}/c {library}/c"):
        with pytest.raises(ToolFailed):
            run(attempt, free)
    shutil.copy("/bin/true", scratch / "true")
    with pytest.raises(ToolFailed):
        run(f"exec {scratch}/true", free)
    assert list(library.iterdir()) == []


@NEEDS_FILTERS
def test_processes_and_the_network_are_for_tools_that_name_them() -> None:
    """Without, both are refused."""
    connect = f"exec {PYTHON} -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(); print(1)'"
    assert run("echo 1 | cat", Access(processes=True)) == "1"
    with pytest.raises(ToolFailed, match="failed"):
        run("echo 1 | cat")
    if Path(PYTHON).exists():
        assert run(connect, Access(network=True)) == "1"
        with pytest.raises(ToolFailed):
            run(connect)


@NEEDS_LANDLOCK
def test_a_tool_with_the_network_still_reads_nothing_else(tmp_path: Path) -> None:
    """What fetches a model is no way out for people's files."""
    (tmp_path / "film").touch()
    with pytest.raises(ToolFailed):
        run(f"exec cat {tmp_path}/film", Access(network=True))


def test_the_environment_is_not_vlogd_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its home is where it may write."""
    monkeypatch.setenv("VLOGD_SECRET", "secret")
    told = dict(line.split("=", 1) for line in run("exec env", Access(writes=(tmp_path,))).splitlines())
    assert "VLOGD_SECRET" not in told
    assert told["HOME"] == told["TMPDIR"] == str(tmp_path)
    assert told["PATH"] == os.environ["PATH"]


def test_the_bounds_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Niceness, address space, no capabilities but root's right to read, no new privileges; signals are a program's own."""
    limits = Limits(memory_bytes=1 << 30, niceness=3)
    assert run("ulimit -v", limits=limits) == str(1 << 20)
    assert int(run("exec nice", limits=limits)) == os.nice(0) + 3
    monkeypatch.setattr(walls, "walls", lambda: Walls(0, filters=False))
    status = dict(line.split(":", 1) for line in run("exec cat /proc/self/status").splitlines())
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == (4 if os.geteuid() == 0 else 0)
    assert status["NoNewPrivs"].strip() == "1"
    assert not int(status["SigIgn"], 16) & (1 << 12 | 1 << 24)  # SIGPIPE, SIGXFSZ


def test_a_command_of_ffmpeg_names_its_input_and_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links are resolved, a device is no folder, and only a hardware encoder gets the graphics card."""
    told: list[Access] = []
    monkeypatch.setattr(process, "run", lambda *_words, access, **_options: told.append(access) or ())
    (tmp_path / "film").touch()
    (tmp_path / "original").symlink_to("film")
    film, target = ffmpeg.source(tmp_path / "original"), tmp_path / "out" / "a.mp4"
    ffmpeg.run([ffmpeg.output(film, target, **{"c:v": "libx264"})], limits=Limits())
    ffmpeg.run([ffmpeg.output(film, Path("/dev/null"), **{"c:v": "h264_nvenc"})], limits=Limits())
    assert told == [
        Access(reads=(tmp_path / "film",), writes=(tmp_path / "out",)),
        Access(reads=(tmp_path / "film",), writes=(Path("/dev/null"),), devices=True),
    ]


def test_what_stands_and_what_does_not_is_told() -> None:
    """For `vlogd doctor` and the log."""
    assert "Landlock 6" in Walls(6, filters=True).standing
    assert not Walls(6, filters=True).missing
    assert ["Landlock" in sentence for sentence in Walls(0, filters=True).missing] == [True]
    assert ["network" in sentence for sentence in Walls(4, filters=False).missing] == [True]
    assert Walls(0, filters=False).standing == ""


def test_walls_that_are_not_there_are_found_by_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel without Landlock, a container that refuses a filter (fakes), and the tool runs all the same."""
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(syscall_filter, "program", lambda **_what: b"\0" * 8)  # no program for the kernel
    found = walls.walls.__wrapped__()
    assert found == Walls(0, filters=False)
    monkeypatch.setattr(walls, "walls", lambda: found)
    assert run("echo 1 | cat") == "1"


def test_a_tool_is_not_started_without_its_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they stood at the start and can't be put up now, it waits: the file has no part in it."""
    monkeypatch.setattr(syscall_filter, "program", lambda **_what: b"\0" * 8)
    monkeypatch.setattr(walls, "walls", lambda: Walls(0, filters=True))
    with pytest.raises(Unavailable, match=r"could not put up its walls: .*Invalid argument"):
        run("echo 1")


def test_a_ruleset_that_the_kernel_refuses_is_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of descriptors, for instance."""

    def refuse(_access: Access, _program: Path) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(landlock, "ruleset", refuse)
    monkeypatch.setattr(walls, "walls", lambda: Walls(7, filters=False))
    with pytest.raises(Unavailable, match=r"sh was not started: .*\(Too many open files\)"):
        run("echo 1")


@NEEDS_LANDLOCK
def test_a_tool_with_a_graphics_card_sees_no_other_process_s_environment() -> None:
    """Its drivers look around in /proc and /sys, where there is a card."""
    with pytest.raises(ToolFailed) as caught:
        run(f"exec cat /proc/{os.getpid()}/environ", Access(devices=True, reads=(Path("/proc"),)))
    assert "Permission denied" in caught.value.stderr_tail[-1]


def test_a_launcher_whose_parent_is_gone_starts_nothing(tmp_path: Path) -> None:
    """Nobody would end the tool."""
    with walls.launch(
        ["touch", str(tmp_path / "x")], Path("/bin/touch"), Bounds(), Access(writes=(tmp_path,))
    ) as launch:
        words = list(launch.command)
        words[4] = "1"
        ended = subprocess.run(words, pass_fds=launch.descriptors, check=False)
    assert ended.returncode == launcher.FAILED
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_a_program_that_the_kernel_takes(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with a return, no jump leads out of it, and it is short enough (4096 instructions, BPF_MAXINSNS)."""
    monkeypatch.setattr(os, "uname", lambda: type("Machine", (), {"machine": machine}))
    raw = syscall_filter.program(network=False, processes=False, signals=False)
    steps = [raw[at : at + 8] for at in range(0, len(raw), 8)]
    assert len(steps) < 4096
    assert steps[-1][0] == 0x06
    assert all(number + 1 + max(step[2], step[3]) < len(steps) for number, step in enumerate(steps) if step[0] != 0x06 and step[0] != 0x20)  # fmt: skip
