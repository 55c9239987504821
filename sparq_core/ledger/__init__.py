"""
The one SQLite file of a run: written, read, added up, turned into a dataset. Stands on `contract`.

Read `schema.sql` first, then `entries`, `rows`, `writer`, `reader` and `overview`. No other room has SQL in it.
"""
