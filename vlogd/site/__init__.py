"""What viewers get: stable names, video.json, the catalogue, the page. Derived, and replaced whole.

Gets a `Publication`, never a survey. May import `storage` and `core`.
"""
