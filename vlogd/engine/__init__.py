"""Survey, decide, dispatch, execute, commit.

One thread decides (`controller`); others only work and tell it how it went. May import `ingest`, `site`,
`stages`, `storage`, `media`, `notify` and `core`.
"""
