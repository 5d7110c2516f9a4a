"""Telling others how things stand: systemd, the status file that the command line reads.

Listeners of `core.events`; the engine knows none of them. May import `core`.
"""
