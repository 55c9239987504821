"""
What leaves a run: its dataset and its models, each with a card. Stands on the ledger and on the pipeline.

Read `selection` (which problems of which runs), `export` (the files), `dataset_card` and `model_card`, then `facts` (what both
tell) and `markdown` (how cards are written).
"""
