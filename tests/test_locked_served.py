"""What other pages, other users and odd requests get from `vlogd serve`: nothing that is not meant for viewers."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from daemon import Home, kill

from vlogd.site import public

SEGMENT = "videos/film-1/hls-0123456789ab/0.m4s"
DATA = bytes(range(100))


class Server:
    """A library, and the `vlogd serve` that serves it."""

    def __init__(self, library: Path, port: int, pid: int) -> None:
        self.library, self.port, self.pid = library, port, pid

    def send(self, request: bytes) -> bytes:
        """Whatever comes back before the server closes the connection, or is silent for a while."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(request)
            received = b""
            with suppress(TimeoutError, ConnectionResetError):
                while data := connection.recv(65536):
                    received += data
            return received

    def ask(self, target: str, *fields: str, method: str = "GET") -> bytes:
        """One request with the right Host, the last of its connection."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close", *fields]
        return self.send("\r\n".join([*lines, "", ""]).encode())

    def status(self, target: str, *fields: str, method: str = "GET") -> int:
        """The status of the answer to `ask`."""
        return int(self.ask(target, *fields, method=method).split()[1])

    def memory_mebibytes(self) -> int:
        """The most memory that the server has had so far."""
        (line,) = [x for x in Path(f"/proc/{self.pid}/status").read_text().splitlines() if "VmHWM" in x]
        return int(line.split()[1]) >> 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A library with one segment, and what is vlogd's own."""
    home = Home(tmp_path_factory.mktemp("home"))
    hls = home.library / SEGMENT
    hls.parent.mkdir(parents=True)
    hls.write_bytes(DATA)
    (hls.parent / "artifact.json").write_text("{}")
    (home.library / ".workshop").mkdir()
    (home.library / ".workshop/a.m3u8").write_text("removed")
    (home.library / "index.html").write_text("<p>Videos")
    command = [sys.executable, "-m", "vlogd", "--config", home.config, "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        port = int(process.stdout.readline().strip().strip("/").rpartition(":")[2])
        yield Server(home.library, port, process.pid)
        kill(process)
        assert process.stderr.read() == ""


def body(answer: bytes) -> bytes:
    """What follows the head."""
    return answer.partition(b"\r\n\r\n")[2]


def test_a_foreign_name_for_this_machine_gets_nothing(server: Server) -> None:
    """DNS rebinding: a page of example.org, whose name now leads to 127.0.0.1, reads what is served here."""
    for hosts in (["example.org"], [f"example.org:{server.port}"], [f"127.0.0.1:{server.port + 1}"], ["127.0.0.1"], [], [""],
                  [f"127.0.0.1:{server.port}", "example.org"], [f"127.0.0.1:{server.port}.example.org"]):  # fmt: skip
        head = "".join(f"Host: {host}\r\n" for host in hosts)
        answer = server.send(f"GET / HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode())
        assert answer.split()[1] in (b"421", b"400"), hosts
        assert b"Videos" not in answer
    for host in (f"localhost:{server.port}", f"LOCALHOST:{server.port}", f"[::1]:{server.port}"):
        assert b"Videos" in server.send(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())


def test_head_with_a_range_has_no_body(server: Server) -> None:
    """The next request of the connection is answered, not lost among bytes that nobody asked for."""
    host = f"Host: 127.0.0.1:{server.port}\r\n"
    first = f"HEAD /{SEGMENT} HTTP/1.1\r\n{host}Range: bytes=0-9\r\n\r\n"
    second = f"GET /{SEGMENT} HTTP/1.1\r\n{host}Range: bytes=10-19\r\nConnection: close\r\n\r\n"
    answer = server.send((first + second).encode())
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert rest.startswith(b"HTTP/1.1 206 ")
    assert body(rest) == DATA[10:20]


def test_links_lead_nowhere(server: Server, tmp_path: Path) -> None:
    """A link as the file, as its folder, as the video; a pipe hangs nothing."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private/0.m4s").write_bytes(b"private")
    film = server.library / "videos/film-1"
    (film / "link.m4s").symlink_to(tmp_path / "private/0.m4s")
    (film / "folder").symlink_to(tmp_path / "private")
    (server.library / "videos/film-2").symlink_to(tmp_path / "private")
    os.mkfifo(film / "pipe.m4s")
    for name in ("film-1/link.m4s", "film-1/folder/0.m4s", "film-2/0.m4s", "film-1/pipe.m4s"):
        answer = server.ask(f"/videos/{name}")
        assert answer.split()[1] == b"404", name
        assert b"private" not in body(answer)
        assert (b"A link in the library is not followed." in body(answer)) == ("pipe" not in name)


def test_what_is_not_for_viewers_is_not_found(server: Server) -> None:
    """Hidden folders, artifacts' descriptions, what lies outside; also in disguise."""
    for target in ("/.workshop/a.m3u8", "/%2eworkshop/a.m3u8", "/videos/film-1/../../.workshop/a.m3u8", "/../vlogd.yaml",
                   "/videos/film-1/hls-0123456789ab/artifact.json", "/videos/film-1/hls-0123456789ab/artifact.json%00.m4s",
                   "/videos/film-1/", "/videos", "http://example.org/", f"//{SEGMENT[7:]}", f"/{SEGMENT}%00",
                   "/videos/film-1/%2e%2e/%2e%2e/index.html"):  # fmt: skip
        assert server.status(target) == 404, target


def test_a_range_takes_no_memory(server: Server) -> None:
    """A gigabyte is sent piece by piece, whoever asks for it, and however it is asked for."""
    film = server.library / "videos/film-1/large.mp4"
    with film.open("wb") as file:
        file.truncate(1 << 30)
    for fields in (["Range: bytes=1-"], ["Range: bytes=0-500000000,500000001-1073741823"], []):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            lines = [
                "GET /videos/film-1/large.mp4 HTTP/1.1",
                f"Host: 127.0.0.1:{server.port}",
                *fields,
                "",
                "",
            ]
            connection.sendall("\r\n".join(lines).encode())
            received = 0
            while received < 64 << 20:
                received += len(connection.recv(1 << 20))
    assert server.memory_mebibytes() < 200


def test_a_head_that_does_not_end_is_cut_off(server: Server) -> None:
    """Long lines, many lines, a long address; the server goes on."""
    start = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
    for head in (start + "A: " + "x" * 100_000, start + "A: x\r\n" * 10_000, "GET /" + "x" * 100_000):
        answer = server.send(head.encode())  # without a version in the first line it has no head (HTTP/0.9)
        assert answer.removeprefix(b"HTTP/1.1 ")[:4] in (b"431 ", b"414 ", b"400 ", b""), head[:50]
    assert server.status("/") == 200


def test_a_request_does_not_hide_another_in_its_body(server: Server) -> None:
    """What a body holds is never taken for a request."""
    inner = f"GET /{SEGMENT} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
    for field in (f"Content-Length: {len(inner)}", "Transfer-Encoding: chunked"):
        answer = server.send(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{field}\r\n\r\n{inner}".encode()
        )
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert DATA not in answer
        assert b"HTTP/1.1 2" not in answer
    assert server.status("/", "Content-Length: 0", method="POST") == 501


def test_silent_connections_are_bounded(server: Server) -> None:
    """Too many at once are closed, and the next ones are served when these are gone."""
    held = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(100)]
    closed = 0
    for connection in held[80:]:
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        closed += 1
    assert closed == 20
    assert len(list(Path(f"/proc/{server.pid}/task").iterdir())) <= 70
    for connection in held:
        connection.close()
    answered = threading.Event()
    while not answered.is_set():  # the server notices the ends of the others one by one
        with suppress(IndexError, ConnectionError):
            if server.status("/") == 200:
                answered.set()


def test_every_answer_has_the_security_headers(server: Server) -> None:
    """Those of the documented web server, and that no other site's page may show the file."""
    requests = [
        server.ask("/"),
        server.ask("/none"),
        server.ask(f"/{SEGMENT}", "Range: bytes=0-1"),
        server.ask("/", method="PUT"),
    ]
    requests.append(server.ask("/" + SEGMENT, "Range: bytes=100-"))
    for answer in requests:
        head = answer.partition(b"\r\n\r\n")[0].decode().splitlines()
        for name, value in public.HEADERS.items():
            assert f"{name}: {value}" in head
        assert "Cross-Origin-Resource-Policy: same-origin" in head
        assert "Server: vlogd" in "\n".join(head)
