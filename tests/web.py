"""A real nginx on loopback with the configuration that `docs/install.md` shows."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon import until

NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
PREFIX = "videos"
_DOCUMENTED = Path(__file__).parent.parent / "docs/install.md"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def documented(*, prefixed: bool) -> str:
    """The documented server of its own, or the rule for a path prefix on another one."""
    section = _DOCUMENTED.read_text().partition("## nginx")[2].partition("\n## ")[0]
    alone, inside = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    return str(inside if prefixed else alone)


def _server(folder: Path, port: int, *, prefixed: bool) -> str:
    """The documented server, or another one with the documented path prefix; for `folder`."""
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    text = documented(prefixed=prefixed)
    if prefixed:
        text = f"server {{ listen 80; root {elsewhere}; {text} }}"
    assert "listen 80;" in text
    assert "/srv/video/library" in text
    return text.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("/srv/video/library", str(folder))


@contextmanager
def served(folder: Path, tmp_path: Path, *, prefixed: bool = True) -> Iterator[str]:
    """The address of `folder`; nginx keeps its own files in `tmp_path`."""
    port = _free_port()
    user = "user root;" if os.geteuid() == 0 else ""  # pytest's folders are for their owner only
    (tmp_path / "nginx.conf").write_text(f"""
{user}
daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {tmp_path}; proxy_temp_path {tmp_path}; fastcgi_temp_path {tmp_path};
  uwsgi_temp_path {tmp_path}; scgi_temp_path {tmp_path};
  {_server(folder, port, prefixed=prefixed)}
}}""")
    nginx = subprocess.Popen(
        [str(NGINX), "-c", tmp_path / "nginx.conf", "-p", tmp_path], stderr=subprocess.DEVNULL
    )
    try:
        until((tmp_path / "pid").exists, 10)
        yield f"http://127.0.0.1:{port}/{PREFIX}/" if prefixed else f"http://127.0.0.1:{port}/"
    finally:
        nginx.terminate()
        nginx.wait()
