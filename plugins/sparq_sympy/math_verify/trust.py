"""
What math-verify may be asked about.

It passes over whatever it does not know: the bodies of cases, what a congruence is modulo, words. Two texts that differ in
such a part are then equal to it, so a text is only handed on if all of it is known to be read.
"""

import re

_COMMAND = re.compile(r"\\([A-Za-z]+|.)")
_WORD = re.compile(r"(?<!\\)[A-Za-z]{4,}")
_STRUCTURE = (
    "frac sqrt binom cdot times div pm mp int iint lim sum prod to rightarrow infty partial nabla circ prime left right "
    "le leq ge geq lt gt ne neq in notin cup cap setminus emptyset varnothing mathbb mid vert lvert rvert "
    "lfloor rfloor lceil rceil { } | ,"
)
_NAMES = (
    "sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan ln log lg exp max min gcd det deg "
    "alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi varphi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
_READ = frozenset((*_STRUCTURE.split(), *_NAMES.split()))
"""Commands that math-verify takes into account."""
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[pb]?matrix\}")


def is_read(text: str) -> bool:
    """Whether math-verify takes all of a text into account."""
    rest = _ENVIRONMENT.sub("", text)
    if not text.isascii() or "begin" in rest:
        return False
    return set(_COMMAND.findall(rest)) <= _READ and not _WORD.search(_COMMAND.sub(" ", rest))
