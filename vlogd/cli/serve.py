"""`vlogd serve`: a small web server for trying things out, on this machine only.

For viewers use nginx or any other web server; docs/install.md has the few lines that it needs.
"""

import ipaddress

import click

from vlogd.cli import output
from vlogd.cli.arguments import config_as_owner
from vlogd.core.errors import BadInput
from vlogd.site.preview_server import PreviewServer


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
    config = config_as_owner(context, with_state=False)
    config.library.mkdir(parents=True, exist_ok=True)
    try:
        server = PreviewServer(config.library, bind, port)
    except OSError as error:
        raise BadInput(
            f"Port {port} of {bind} cannot be used: {error.strerror}. Choose another with --port."
        ) from error
    with server:
        output.line(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            output.line("")


def _is_loopback(address: str) -> bool:
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
