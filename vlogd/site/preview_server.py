"""The web server of `vlogd serve`: the public files of a library, for browsers on this machine.

Loopback is reached by every page that a browser here shows, and by every user of the machine. So

- a request must name this server as its host: a foreign name that resolves to 127.0.0.1 (DNS rebinding) gets nothing;
- only what `public.py` lists is served, opened folder by folder below the library without following a link;
- a request's head, the time between two reads, the number of connections and the memory of an answer are bounded.

`file_answer.py` has conditional and range requests.
"""

import errno
import http.client
import os
import socket
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from vlogd.site import file_answer, public

_HEAD_BYTES = 16 << 10
"""The most that a request's line and fields may take; a browser's take about 1 KiB."""

_IDLE_SECONDS = 30
"""How long a connection may be silent."""

_MOST_CONNECTIONS = 64
"""A browser opens six to a server."""


class PreviewServer(ThreadingHTTPServer):
    """Serves the library at `root` on a loopback address. Raises OSError when the address cannot be had."""

    daemon_threads = True

    def __init__(self, root: Path, address: str, port: int) -> None:
        self.root = root
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._slots = BoundedSemaphore(_MOST_CONNECTIONS)
        super().__init__((address, port), _Handler)
        host = f"[{address}]" if ":" in address else address
        self.url = f"http://{host}:{self.server_port}/"
        self._hosts = {f"{name}:{self.server_port}" for name in (host, "localhost", "127.0.0.1", "[::1]")}

    def is_meant(self, host: str) -> bool:
        """Whether a request's Host is this server. Browsers leave out port 80."""
        name = host.strip().lower()
        return name in self._hosts or (
            self.server_port == http.client.HTTP_PORT and f"{name}:80" in self._hosts
        )

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread for a connection, or close it where there are too many."""
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread can be had
            self._slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One connection, to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report a bug. A browser that goes away in the middle of an answer, or a disk that fails then, is none."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _BoundedHead:
    """The lines of a request's head, as long as they are not more than `_HEAD_BYTES` together."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file
        self._left = _HEAD_BYTES

    def readline(self, limit: int) -> bytes:
        """The next line. Raises LineTooLong, which `http.server` answers with 431, once the head is too long."""
        if self._left <= 0:
            raise http.client.LineTooLong("head")
        line = self._file.readline(min(limit, self._left))
        self._left -= len(line)
        return line

    def close(self) -> None:
        """Close the connection's file."""
        self._file.close()


class _Handler(BaseHTTPRequestHandler):
    """One connection: GET and HEAD."""

    server: PreviewServer
    protocol_version = "HTTP/1.1"
    server_version = "vlogd"
    sys_version = ""
    timeout = _IDLE_SECONDS
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(code)d %(message)s\n%(explain)s\n"

    def handle_one_request(self) -> None:
        """One request, whose head is bounded. Bodies are not read, so nothing may follow one."""
        connection = self.rfile
        self.rfile = _BoundedHead(connection)  # type: ignore[assignment]  # all that the base class calls
        try:
            super().handle_one_request()
        finally:
            self.rfile = connection

    def do_GET(self) -> None:
        """The file, or the requested ranges of it."""
        refusal = self._refusal()
        path = public.path_of(self.path)
        if refusal is not None:
            self.send_error(*refusal)
        elif path is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            self._send(path)

    def do_HEAD(self) -> None:
        """The same without a body."""
        self.do_GET()

    def _refusal(self) -> tuple[int, str, str] | None:
        """Why a request is not answered: status, its name, and a sentence."""
        if self.headers.get("Transfer-Encoding") or self.headers.get("Content-Length", "0").strip() != "0":
            return 400, "Bad Request", "A request for a file has no body."
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not self.server.is_meant(hosts[0]):
            return 421, "Misdirected Request", f"This server is {self.server.url} and has no other name."
        return None

    def _send(self, path: str) -> None:
        try:
            descriptor = _open_below(self.server.root, path)
        except OSError as error:
            self.send_error(HTTPStatus.NOT_FOUND, explain=_explanation(error))
            return
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            answer = file_answer.answer(file, path, self.headers, is_get=self.command == "GET")
            if answer is None:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            self.send_response(answer.status)
            for name, value in answer.fields.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                for data in answer.body(file):
                    self.wfile.write(data)

    def end_headers(self) -> None:
        """The fields of every answer, errors included. Other sites' pages may not show what is served here."""
        for name, value in {**public.HEADERS, "Cross-Origin-Resource-Policy": "same-origin"}.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Nothing: the address has been printed, and errors reach the browser."""


def _explanation(error: OSError) -> str | None:
    """A sentence for an error of `_open_below`; None for a file that is not there."""
    if isinstance(error, FileNotFoundError):
        return None
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "A link in the library is not followed."
    return f"It cannot be read: {error.strerror}."


def _open_below(root: Path, path: str) -> int:
    """Open a file below `root` for reading. Raises OSError, also for a symbolic link on the way.

    Each folder is opened relative to the one before (openat(2)), so that none can be exchanged with a link meanwhile.
    """
    *folders, name = path.split("/")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for inner in folders:
            outer, folder = (
                folder,
                os.open(inner, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder),
            )
            os.close(outer)
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
