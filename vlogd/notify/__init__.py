"""Listeners of events: the log, the status file that the command line reads, systemd.

Whoever emits events (`core.events`) knows none of them; `daemon.wiring` names them. May import `core`.
"""
