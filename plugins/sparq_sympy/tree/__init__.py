"""
What an answer is once it is read, whoever reads or compares it: a tree of numbers, symbols and applied operations.

Imports nothing else of the package. To be read: `nodes`; then `exact`, values that are fractions; `matrices`, which
are written out in their elements; `progressions`, what dots stand for; `scales` of units.
"""
