"""`python -m vlogd` is `vlogd`."""

from vlogd.cli import main

main()
