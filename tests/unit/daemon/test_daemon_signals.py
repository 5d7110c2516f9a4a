"""Signals: what a handler may do at any moment."""

import subprocess
import sys

_AT_EVERY_LINE = """
import signal, sys
from vlogd import config
from vlogd.cli.init_add import init
from vlogd.daemon import wiring
from vlogd.daemon.daemon import Daemon
from vlogd.daemon.signals import Signals

init.callback(config.Path(sys.argv[1]))
signals = Signals()
parts = wiring.connect(config.load(config.Path(sys.argv[1], "vlogd.yaml")))
signals.listen(Daemon(parts, signals, once=False)._on_signal)
handled = []

def interrupt(frame, event, argument):
    if event == "line":
        sys.settrace(None)  # the handler itself is not interrupted again
        signal.raise_signal(signal.SIGTERM)
        handled.append(frame.f_code.co_name)
        sys.settrace(interrupt)
    return interrupt

sys.settrace(interrupt)
parts.stop.set()
sys.settrace(None)
assert handled and signals.stopping and parts.stop.is_set()
"""


def test_a_signal_at_any_line_of_a_stop_does_not_hang(tmp_path: object) -> None:
    """The deciding thread sets `stop` at a reload and at the end; the handler sets it too, and must need no lock for it."""
    code = [sys.executable, "-c", _AT_EVERY_LINE, str(tmp_path)]
    ended = subprocess.run(code, timeout=20, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
