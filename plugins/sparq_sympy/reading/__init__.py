"""
From a solution to its final answer, and from the answer's text to its tree.

Imports `tree`, nothing else of the package: how answers compare is not known here. To be read: `final_answer`; `answer`,
which calls the rest; what is done to the text, `spelling`, `latex`, `limits`, `markup`, `conditions` after a value, `sentences`
with `phrases` and `stories`, `notation`, `units`; what is read in a way of its own, `words`, `meanings`, `numerals`, `bases`,
`times`, `pairs`, `chains`, `items`; what is said beside a value, `subjects` and `approximations`; then what makes the tree:
`formula`, `names`, `tokens`, `grammar` from lists down to powers, the smallest parts, `primaries`, `brackets`, `commands`,
`environments`.
"""
