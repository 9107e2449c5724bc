"""Questions put to a run's folder: why an order came to be and what became of it, the state at a moment, how two runs differ.

In reading order: `steps` what is recorded, `playback` the run replayed to any step, `words` values as people read them, `moment` the state
at a step, `explain` and `refusals` on top, `differ` two folders, `export` files for other programs. Deliberately not here: writing a
journal, and taking a run up again.
"""
