"""
Any dataset's solve rates: the pipeline that `sparq profile` runs, the tables it writes, what it adds them up to.

Nothing is generated: the rows are the seeds of a run of no rounds, one run a model. To be read: `plan`, `data`,
`tables`, `summary`.
"""
