"""
A model that follows a script: `use: scripted` is a real sampler plugin.

It answers from a table, or, without one, plays a model that writes and solves sums.
"""

import re
import time
from collections.abc import Mapping, Sequence
from random import Random
from typing import Annotated

from msgspec import Meta, Struct

from sparq_core.contract.randomness import generator
from sparq_core.contract.sampling import Completion, Request
from sparq_core.hookspecs import hookimpl

_SUM = re.compile(r"What is (\d{1,18}) \+ (\d{1,18})\?")


class ScriptedSampler:
    """
    A sampler that answers from a table, the same for the same seed.

    The longest key found in the prompt decides; its list is drawn from by the sample's seed. A prompt without a key is
    answered with an empty completion.
    """

    deterministic = True
    digest = "scripted"

    def __init__(self, answers: Mapping[str, Sequence[str]] | None = None, delay: float = 0.0) -> None:
        self._answers, self._delay = answers, delay
        self.requests: list[Request] = []
        """Everything that was asked, in order."""

    def sample(self, requests: Sequence[Request]) -> list[list[Completion]]:
        """`n` completions a request, remembered in `requests`."""
        self.requests += requests
        time.sleep(self._delay)
        return [[self._complete(request, j) for j in range(request.n)] for request in requests]

    def close(self) -> None:
        """Nothing to free."""

    def _complete(self, request: Request, j: int) -> Completion:
        prompt, rng = request.messages[-1].content, generator(request.seed + j)
        text = _play_sums(prompt, rng) if self._answers is None else self._look_up(prompt, rng)
        tokens = text.split(" ")
        cut = len(tokens) > request.sampling.max_tokens
        text = " ".join(tokens[: request.sampling.max_tokens])
        return Completion(
            text=text,
            finish="length" if cut else "stop",
            tokens=min(len(tokens), request.sampling.max_tokens),
            prompt_tokens=0 if j else len(prompt.split()),
        )

    def _look_up(self, prompt: str, rng: Random) -> str:
        assert self._answers is not None
        keys = [key for key in self._answers if key in prompt]
        return rng.choice(self._answers[max(keys, key=len)]) if keys else ""


def _play_sums(prompt: str, rng: Random) -> str:
    found = _SUM.search(prompt)
    a, b = (int(found[1]), int(found[2])) if found else (1, 1)
    if "<skills>" in prompt:
        skills = ["addition", "carrying"] if a % 10 + b % 10 > 9 else ["addition"]
        return f"<skills>{', '.join([*skills, 'large numbers'] if a + b > 99 else skills)}</skills>"
    if "<problem>" in prompt:
        a, b = max(1, a + rng.randint(-9, 19)), max(1, b + rng.randint(-9, 19))
        written = f"<problem>What is {a} + {b}?</problem>\n<solution>{a} + {b} = \\boxed{{{a + b}}}</solution>"
        return written if rng.random() < 0.9 else written.replace("</problem>", "")
    slip = rng.random() < min(0.9, (a + b) / 200)
    return f"{a} + {b} = \\boxed{{{a + b + 10 * slip}}}" if rng.random() < 0.95 else "I do not know."


class ScriptedConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `scripted`."""

    answers: Annotated[
        dict[str, list[str]] | None,
        Meta(description="What to answer to a prompt that holds a key; without it, the model writes and solves sums."),
    ] = None
    delay: Annotated[float, Meta(ge=0, description="Seconds each call takes.")] = 0.0


class Scripted:
    """A model that follows a script: for tests, tutorials and dry runs."""

    def __init__(self, config: ScriptedConfig) -> None:
        self._config = config

    @hookimpl
    def sampler(self) -> ScriptedSampler:
        """One for each model of the pipeline that names it."""
        return ScriptedSampler(self._config.answers, self._config.delay)
