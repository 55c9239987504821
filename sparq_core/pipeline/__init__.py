"""
From a YAML file to a cast that fits. Stands on `contract`, `ledger` and `hookspecs`.

Read `prepare` first, then `file`, `discovery`, `assembly`, `cast`, `calls` and `checks`. `inner` is for plugins that
open another one.
"""
