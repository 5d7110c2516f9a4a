"""From an item to its published video: survey, decide, run parts, commit, publish, remove.

One thread decides (`controller`). Parts run wherever an executor has them run, jobs on the disks of this machine on
threads of their own (`jobs`); both report back by calls on the controller's thread. May import `ingest`, `site`,
`stages`, `storage`, `media`, `notify` and `core`.

Read on in this order: `survey` (what is to be done, and why), `transitions`, `step_state` and `state` (what may happen),
`steps` (what follows), `scheduler` and `dispatcher` (which part runs next), `executors/contract` (where it runs),
`library_worker` and `library_queue` (reading, committing), `publishing`, and `controller`, which holds it together.
"""
