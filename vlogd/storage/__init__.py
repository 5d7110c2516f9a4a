"""What lies on the disks and what is remembered of it: originals, library, journal, the volumes they need.

The one place where a path of ours becomes a file. May import `core`.
"""
