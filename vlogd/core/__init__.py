"""What everything else is written with: values, events, errors, settings, documents, whole-file writes, digests, the log.

Imports nothing of vlogd outside itself.
"""
