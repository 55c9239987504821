"""
A question as a set of runs: arms that change one pipeline, seeds, and what the differences come to.

Stands on the loop and everything below it. Read `design` (what the file says), `plan` (cells, and the pools they share),
`folders` (where their runs are), `conduct` (runs made, forked and gone on with), `ended` (the note of one that is through),
`statistics`, `results` (what the cells measured), `tables` and `plots`.
"""
