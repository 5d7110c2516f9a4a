"""vlogd: drop a video into a folder, get a watchable, captioned stream."""
