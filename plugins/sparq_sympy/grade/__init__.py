"""
The command `sparq grade`: the plugin's verdicts without a run.

Imports the rest of the package; nothing imports it. To be read: `command`; `rows`, how a file is graded; `explain`, how one
verdict comes about.
"""
