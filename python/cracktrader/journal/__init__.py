"""The room of a run's folder: segments written and read, checkpoints, datasets, the side header, heads that lie outside.

What the bytes of a journal are is docs/reference/journal.md; what is in a frame is the core's `codec`. Deliberately not here: running or
replaying anything. Import from the files of this folder: nothing heavy is loaded before it is used.
"""
