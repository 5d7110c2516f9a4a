"""The words everything else is written in: values, events, errors, settings, whole-file writes, digests, the log.

Imports nothing of vlogd outside itself.
"""
