"""What is on the disks, and what is remembered of it: originals, library, journal, and the volumes that hold them.

`tree` is where a path of the originals, the archive or a volume becomes a file; `library` and `workshop` own the library's
folders. May import `core`.
"""
