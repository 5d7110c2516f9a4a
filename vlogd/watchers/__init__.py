"""Sources of hints that something is at a path. One file each, and one line in `registry`.

A watcher knows nothing of completeness, items or the journal. May import `core`.
"""
