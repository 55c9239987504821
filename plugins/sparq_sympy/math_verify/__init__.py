"""
math-verify over sympy, in processes of its own: the only place where either is imported.

Imports nothing else of the package. To be read: `pool`, on the engine's side; then `worker`, on the other.
"""
