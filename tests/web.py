"""A real nginx on loopback, serving one folder under a path prefix. nginx's own types are told here."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon import until

NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
PREFIX = "some/where"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def served(folder: Path, tmp_path: Path) -> Iterator[str]:
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
  types {{ text/html html; text/css css; text/javascript js; application/json json; image/jpeg jpg; image/svg+xml svg;
           application/vnd.apple.mpegurl m3u8; application/dash+xml mpd; video/mp2t ts; video/mp4 mp4;
           video/iso.segment m4s; text/vtt vtt; }}
  server {{ listen 127.0.0.1:{port}; location /{PREFIX}/ {{ alias {folder}/; }} }}
}}""")
    nginx = subprocess.Popen(
        [str(NGINX), "-c", tmp_path / "nginx.conf", "-p", tmp_path], stderr=subprocess.DEVNULL
    )
    try:
        until((tmp_path / "pid").exists, 10)
        yield f"http://127.0.0.1:{port}/{PREFIX}/"
    finally:
        nginx.terminate()
        nginx.wait()
