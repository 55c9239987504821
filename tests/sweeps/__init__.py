"""The sweeps of `torture.py` that need a file of their own; each is called with the random numbers of a trial."""
