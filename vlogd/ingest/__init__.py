"""From a path in an inbox to an Item: watched, stable, complete, claimed, identified.

The one place where a dropped path becomes a file of ours. May import `watchers`, `storage`, `media` and `core`.
"""
