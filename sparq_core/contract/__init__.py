"""
The nouns: what the engine and its plugins exchange. Imports nothing of the core but itself.

Read `records` first, then `sampling`, `policy` and `config`.
"""
