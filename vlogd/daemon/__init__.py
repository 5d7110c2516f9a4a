"""The process: wiring, the deciding loop, signals, reload, the lock, requests of the command line, doctor, fsck.

`service` runs one daemon after the other, `wiring` connects the parts of one, `daemon` is its loop. May import `config`
and everything below it.
"""
