"""
A model that is simulated: `use: simulated` solves known problems as often as their difficulty says.

With it a domain runs whole, and its solve rates come out as they should, before any model is at hand. Problems come from a file
of JSON lines; each has a difficulty, its own or a latent one that follows from its statement.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from sparq_core.contract.config import InputFile
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.files import json_lines
from sparq_core.contract.randomness import derive, generator
from sparq_core.contract.sampling import Completion, Request
from sparq_core.hookspecs import hookimpl

Texts = Annotated[list[str], Meta(min_length=1)]

UNKNOWN = "(simulated: the prompt holds no known problem, no phrase of `answers`, and not what `writes` says)"
UNWRITTEN = "(simulated: a new problem is asked for, and no known one has a text in `written`)"


class Known(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A problem that a simulated model can write, and solve now and then."""

    problem: str
    """Its statement, by which an attempt's prompt is recognised."""
    right: Texts
    """Attempts that are right."""
    wrong: Texts
    """Attempts that are not."""
    difficulty: Annotated[float, Meta(ge=0, le=1)] | None = None
    """The share of attempts that a model of ability 0 gets wrong; by default a latent one, which follows from the statement."""
    written: str | None = None
    """What the model writes when it is asked for a new problem and this one occurs to it; without it, none is asked of it."""

    def solve_rate(self, ability: float) -> float:
        """The share of attempts that a model gets right: `ability` is added to the logit."""
        difficulty = derive("difficulty", self.problem) / 2**48 if self.difficulty is None else self.difficulty
        if difficulty in {0.0, 1.0}:
            return 1 - difficulty
        return 1 / (1 + math.exp(math.log(difficulty / (1 - difficulty)) - ability))


class SimulatedSampler:
    """
    A sampler that plays a model of some ability on known problems, the same for the same seed.

    A prompt that holds a phrase of `answers` is answered from its list, as `ScriptedSampler` does; one that holds `writes` is
    answered with a new problem; any other is an attempt at the known problem whose statement it holds, the longest of them. An
    attempt at an unknown problem is answered with a text that says so.
    """

    deterministic = True

    def __init__(
        self,
        known: Sequence[Known],
        ability: float = 0.0,
        writes: str | None = None,
        answers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._known = sorted(known, key=lambda each: -len(each.problem))
        self._written = [each.written for each in known if each.written is not None]
        self._ability, self._writes, self._answers = ability, writes, answers or {}
        self.digest = f"simulated {derive(msgspec.json.encode(list(known)).decode(), repr(ability))}"

    def sample(self, requests: Sequence[Request]) -> list[list[Completion]]:
        """`n` completions a request; each follows from its prompt and its own seed."""
        return [[self._complete(request, j) for j in range(request.n)] for request in requests]

    def close(self) -> None:
        """Nothing to free."""

    def _complete(self, request: Request, j: int) -> Completion:
        prompt = request.messages[-1].content
        words = self._say(prompt, generator(request.seed + j)).split(" ")
        most = request.sampling.max_tokens
        return Completion(
            text=" ".join(words[:most]),
            finish="length" if len(words) > most else "stop",
            tokens=min(len(words), most),
            prompt_tokens=0 if j else len(prompt.split()),
        )

    def _say(self, prompt: str, rng: Random) -> str:
        if phrases := [phrase for phrase in self._answers if phrase in prompt]:
            return rng.choice(self._answers[max(phrases, key=len)])
        if self._writes is not None and self._writes in prompt:
            return rng.choice(self._written) if self._written else UNWRITTEN
        found = next((each for each in self._known if each.problem in prompt), None)
        if found is None:
            return UNKNOWN
        return rng.choice(found.right if rng.random() < found.solve_rate(self._ability) else found.wrong)


class SimulatedConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `simulated`."""

    problems: Annotated[
        InputFile,
        Meta(
            description="JSON lines with `problem`, `right`, `wrong` (lists of whole attempts), and, if you like, `difficulty` "
            "(the share of attempts that fail) and `written` (the text in which a generator writes it)."
        ),
    ]
    ability: Annotated[
        float, Meta(description="Added to the logit of every solve rate: above 0 is a better model.")
    ] = 0.0
    writes: Annotated[
        str | None,
        Meta(description="A phrase of your proposer's prompt, by which the model knows that it is to write."),
    ] = None
    answers: Annotated[
        dict[str, list[str]],
        Meta(description="What to answer to any other prompt that holds a key: one of its texts."),
    ] = field(default_factory=dict)


class Simulated:
    """A model that solves known problems as often as their difficulty says: to try a domain without a model."""

    def __init__(self, config: SimulatedConfig) -> None:
        self._config = config

    @hookimpl
    def sampler(self) -> SimulatedSampler:
        """One for each model of the pipeline that names it."""
        config = self._config
        return SimulatedSampler(read_known(Path(config.problems)), config.ability, config.writes, config.answers)


def read_known(path: Path) -> list[Known]:
    """The known problems in a file of JSON lines; PipelineError for the first line that is none."""
    return [_known(line.row, line.place) for line in json_lines(path)]


def _known(row: Mapping[str, Any], place: str) -> Known:
    try:
        return msgspec.convert(row, Known)
    except msgspec.ValidationError as error:
        raise PipelineError(f"{place}: {error}; a line has `problem`, `right` and `wrong`") from error
