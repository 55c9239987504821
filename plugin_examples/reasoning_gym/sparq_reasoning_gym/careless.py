"""`use: careless`: a stand-in for a model that works out tasks of three families, and slips the more the longer they are."""

import math
import re
from collections.abc import Sequence
from random import Random

import sparq_core as sparq

_SUM = re.compile(r"arithmetic problem: ([\d +-]+) =")
_GCD = re.compile(r"of these numbers: ([\d, ]+)\.")
_WORD = re.compile(r"Spell this word backward [^:]*: (\w+)")


def worked_out(prompt: str) -> str:
    """The answer to a task of chain_sum, gcd or spell_backward; empty for any other."""
    if found := _SUM.search(prompt):
        return str(sum(int(term) for term in re.findall(r"-?\d+", found[1].replace(" ", ""))))
    if found := _GCD.search(prompt):
        return str(math.gcd(*(int(number) for number in found[1].split(","))))
    return found[1][::-1] if (found := _WORD.search(prompt)) else ""


class CarelessSampler:
    """Answers the same for the same seed."""

    deterministic = True
    digest = "careless"

    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        return [[self._complete(request, j) for j in range(request.n)] for request in requests]

    def close(self) -> None:
        """Nothing to free."""

    def _complete(self, request: sparq.Request, j: int) -> sparq.Completion:
        prompt, rng = request.messages[-1].content, sparq.generator(request.seed + j)
        text = self._answer(worked_out(prompt), rng)
        return sparq.Completion(text=text, finish="stop", tokens=len(text.split()) + 1)

    @staticmethod
    def _answer(right: str, rng: Random) -> str:
        if not right:
            return "I do not know."
        slip = rng.random() < 0.15 * len(right)
        return f"It is \\boxed{{{right[1:] + right[0] + '1' if slip else right}}}."


class Careless:
    """A model that works tasks out, more or less: for tests and the demonstration."""

    @sparq.hookimpl
    def sampler(self) -> CarelessSampler:
        return CarelessSampler()
