"""
What leaves a run for a trainer: problems with a checkable answer, attempts, or pairs of them, as the trainer reads them.

Read `row` (what a line is made of), `columns`, `sources` (which lines there are), `proof` (the test that each reference passes
before it is exported), then any format, which is one small file, and `export`. `formats` lists them.
"""
