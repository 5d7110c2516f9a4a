"""A program that stands in for an ffmpeg which a file has taken over: it tries all that would be worth it.

It is written to a folder of its own and started by its path. On standard error it says, a line each, what it could do; its last
lines are `tried N` and an error as ffmpeg prints it. The words before ffmpeg's are what there is to find.
"""

import shutil
from pathlib import Path

PYTHON = "/usr/bin/python3"
"""A Python among the distribution's programs, which every tool may read."""

_SCRIPT = """#!{python} -IS
import ctypes, os, socket, struct, sys

PARENT, TREASURES, AT = os.getppid(), {treasures!r}, {at!r}
FILM = next((word[5:] for word in sys.argv if word.endswith("/original")), None)
if AT not in " ".join(sys.argv) or FILM is None or not os.readlink(FILM).endswith({film!r}):
    os.execv({real!r}, ["ffmpeg", *sys.argv[1:]])
libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {numbers!r}[os.uname().machine]

def call(name, *arguments):
    if libc.syscall(NUMBERS[name], *arguments) < 0:
        raise OSError(ctypes.get_errno(), name)

def read(path):
    with open(path, "rb") as file:
        file.read(1)

def write(path):
    with open(path, "r+b") as file:
        file.write(b"x")

def make(path):
    open(path, "xb").close()

def connect(family, kind, address):
    with socket.socket(family, kind) as one:
        one.settimeout(1)
        one.sendto(b"x", address) if kind == socket.SOCK_DGRAM else one.connect(address)

def attach():
    call("ptrace", 16, PARENT, 0, 0)

def peek():
    local = ctypes.create_string_buffer(8)
    vector = struct.pack("QQ", ctypes.addressof(local), 0)
    call("process_vm_readv", PARENT, vector, 1, vector, 1, 0)

def fork():
    if os.fork() == 0:
        os._exit(0)

def secret():
    if "VLOGD_SECRET" not in os.environ:
        raise OSError

attempts = {{
    "read its environment's secret": secret,
    "read the environment of vlogd": lambda: read(f"/proc/{{PARENT}}/environ"),
    "read the memory of vlogd": lambda: read(f"/proc/{{PARENT}}/mem"),
    "open a TCP connection": lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", TREASURES["port"])),
    "send over UDP": lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 9)),
    "send over IPv6": lambda: connect(socket.AF_INET6, socket.SOCK_DGRAM, ("::1", 9)),
    "connect to a Unix socket": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, TREASURES["socket"]),
    "connect to an abstract socket": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, TREASURES["abstract"]),
    "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "signal vlogd": lambda: os.kill(PARENT, 18),
    "signal vlogd by a descriptor": lambda: call("pidfd_send_signal", os.pidfd_open(PARENT), 18, None, 0),
    "take a descriptor of vlogd": lambda: call("pidfd_getfd", os.pidfd_open(PARENT), 2, 0),
    "trace vlogd": attach,
    "read vlogd by process_vm_readv": peek,
    "bound vlogd": lambda: call("prlimit64", PARENT, 7, struct.pack("QQ", 3, 3), None),
    "fork": fork,
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {{}}),
    "make a namespace": lambda: call("unshare", 0x10000000),
    "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "load a program into the kernel": lambda: call("bpf", 0, struct.pack("IIII", 2, 4, 4, 1) + bytes(100), 116),
    "watch page faults": lambda: call("userfaultfd", 1),
    "set up io_uring": lambda: call("io_uring_setup", 1, ctypes.create_string_buffer(120)),
    "use the keyring": lambda: call("add_key", b"user", b"x", b"y", 1, -2),
    "count events": lambda: call("perf_event_open", ctypes.create_string_buffer(struct.pack("IIQ", 1, 112, 0), 120), 0, -1, -1, 0),
}}
for path in TREASURES["reads"]:
    attempts[f"read {{path}}"] = lambda path=path: read(path)
for path in TREASURES["writes"]:
    attempts[f"write to {{path}}"] = lambda path=path: write(path)
    attempts[f"truncate {{path}}"] = lambda path=path: os.truncate(path, os.stat(path).st_size)
    attempts[f"rename {{path}}"] = lambda path=path: os.rename(path, path + "~")
    attempts[f"change the mode of {{path}}"] = lambda path=path: os.chmod(path, 0o600)
    attempts[f"change the times of {{path}}"] = lambda path=path: os.utime(path)
for path in TREASURES["folders"]:
    attempts[f"list {{path}}"] = lambda path=path: os.listdir(path)
    attempts[f"make a file in {{path}}"] = lambda path=path: make(path + "/made")
    attempts[f"make a folder in {{path}}"] = lambda path=path: os.mkdir(path + "/made-folder")
    attempts[f"make a link in {{path}}"] = lambda path=path: os.symlink("x", path + "/made-link")
for name, attempt in attempts.items():
    try:
        attempt()
    except OSError:
        continue
    print("could", name, file=sys.stderr)
print("tried", len(attempts), file=sys.stderr)
print("out.mp4: Permission denied", file=sys.stderr)
sys.exit(1)
"""

_NAMES = ("ptrace", "process_vm_readv", "pidfd_send_signal", "pidfd_getfd", "prlimit64", "unshare", "mount", "bpf", "userfaultfd",
          "io_uring_setup", "add_key", "perf_event_open")  # fmt: skip
_NUMBERS = {
    "x86_64": dict(zip(_NAMES, (101, 310, 424, 438, 302, 272, 165, 321, 323, 425, 248, 298), strict=True)),
    "aarch64": dict(zip(_NAMES, (117, 270, 424, 438, 261, 97, 40, 280, 282, 425, 217, 241), strict=True)),
}
"""System call numbers (asm/unistd.h)."""


def put(folder: Path, film: str, at: str, treasures: dict[str, object]) -> None:
    """`folder/ffmpeg` attacks where the words contain `at` and the original's name ends with `film`, else it is ffmpeg."""
    folder.mkdir()
    program = folder / "ffmpeg"
    program.write_text(
        _SCRIPT.format(
            python=PYTHON,
            treasures=treasures,
            at=at,
            film=film,
            real=shutil.which("ffmpeg"),
            numbers=_NUMBERS,
        )
    )
    program.chmod(0o755)
