"""
Seeds, steps and rounds: everything that happens while a run goes on. Stands on `pipeline` and all below it.

Read `rounds` first, then `engine`, `sources`, `step`, `attempts` and `phases`.
"""
