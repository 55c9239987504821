"""
Whether two trees are equal: by shape, by exact number, by values at points.

Imports `tree`, nothing else of the package: how answers were written is not known here. To be read: `compare`, which calls
the rest; `shapes`, `forms`, `points`; what is built on points: `relations`, `regions`, `pieces`, `vectors`; then
`congruences`, `recurrences` and `measures`.
"""
