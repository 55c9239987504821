"""
Seeds, steps and rounds: everything that happens while a run goes on. Stands on `pipeline` and all below it.

Read `rounds` first, then `engine`, `sources`, `step`, `attempts` and `phases`; then `stops` and `meter` (budgets), `serving`
and `occupancy` (samplers), `session` (a process's work on a run) and `trial` (the preview's).
"""
