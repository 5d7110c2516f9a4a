"""Hands events to listeners, on the thread that emits them."""

from vlogd.core.events import Event, Listener
from vlogd.core.log import get_logger

_log = get_logger()


class Events:
    """Hands each event to every listener."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def emit(self, event: Event) -> None:
        """Call all listeners. One that raises is logged, and the others are still called."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception as error:  # noqa: BLE001 - a faulty listener must not stop the daemon
                name = getattr(listener, "__qualname__", type(listener).__qualname__)
                _log.error("listener.failed", listener=name, missed=type(event).__name__, exc_info=error)
