"""`vlogd serve`: a small web server for trying things out, on this machine only.

For viewers use nginx or any other web server; docs/install.md has the few lines that it needs.
"""

import http.server
import ipaddress
import re
from functools import partial
from pathlib import Path
from typing import Any

import click

from vlogd.cli import output
from vlogd.cli.arguments import config_of

_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".vtt": "text/vtt; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".js": "text/javascript",
}
_CHANGING = (".m3u8", ".json", ".html", ".vtt")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files below one folder, with the types that HLS asks for and single byte ranges (RFC 9110, 14)."""

    protocol_version = "HTTP/1.1"
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, **_TYPES}  # noqa: RUF012 - as in the base

    def send_head(self) -> Any:
        """The file, whole or the requested range of it; no listings, nothing hidden."""
        path = Path(self.translate_path(self.path))
        hidden = any(part.startswith(".") for part in path.parts[len(Path(self.directory).parts) :])
        if hidden or (path.is_dir() and not (path / "index.html").exists()):
            self.send_error(404)
            return None
        requested = _RANGE.match(self.headers.get("Range", ""))
        if requested is None or path.is_dir() or not path.is_file():
            return super().send_head()
        return self._send_range(path, *requested.groups())

    def _send_range(self, path: Path, first: str, last: str) -> Any:
        length = path.stat().st_size
        start = int(first) if first else max(0, length - int(last or 0))
        end = min(int(last), length - 1) if first and last else length - 1
        if start > end:
            self.send_error(416)
            return None
        self.send_response(206)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Range", f"bytes {start}-{end}/{length}")
        self.send_header("Content-Length", str(end - start + 1))
        self.end_headers()
        with path.open("rb") as file:
            file.seek(start)
            self.wfile.write(file.read(end - start + 1))
        return None

    def end_headers(self) -> None:
        """Browsers check what may change before they use it again; segments never change."""
        if self.path.endswith(_CHANGING) or self.path.endswith("/"):
            self.send_header("Cache-Control", "no-cache")
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Nothing: the address has been printed, and errors reach the browser."""


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes any free port."
)
@click.option("--bind", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.pass_context
def serve(context: click.Context, port: int, bind: str) -> None:
    """Serve the library to this machine's browser, until Ctrl-C."""
    if not _is_loopback(bind):
        raise click.BadParameter(
            f"{bind!r} is not a loopback address; for other machines use nginx (docs/install.md).",
            param_hint="--bind",
        )
    config = config_of(context)
    config.library.mkdir(parents=True, exist_ok=True)
    handler = partial(_Handler, directory=str(config.library))
    with http.server.ThreadingHTTPServer((bind, port), handler) as server:
        output.line(f"http://{bind}:{server.server_address[1]}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            output.line("")


def _is_loopback(address: str) -> bool:
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
