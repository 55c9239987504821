"""
What an answer is once it is read, whoever reads or compares it: a tree of numbers, symbols and applied operations.

Imports nothing else of the package. To be read: `nodes`; then `matrices`, which are written out in their elements.
"""
