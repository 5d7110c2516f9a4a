"""The process: start, loop, signals, lock, requests of the command line, doctor, fsck.

May import `config` and everything below it.
"""
