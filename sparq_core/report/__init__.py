"""
A run as one HTML page: `facts` gathers what the ledger knows, `figures` draw it, `page` puts it together.

Read `page`, then `facts`, `alarms` and `differences`, then any file of `figures`; `markup` is what they draw with, and the one
door through which others' words get into the page.
"""
