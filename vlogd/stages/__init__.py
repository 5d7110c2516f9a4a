"""Kinds of work: the contract of a stage, the workspace of a part, the pipeline, and one file or folder per stage.

A stage imports neither another stage nor anything of the engine. May import `media` and `core`.
"""
