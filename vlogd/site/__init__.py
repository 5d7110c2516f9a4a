"""What viewers get: stable names, video.json, the catalogue, the page. Derived, and replaced whole.

Also what web servers may give to them, and the server of `vlogd serve`. Gets a `Publication`, never a survey. May import
`storage` and `core`.
"""
