"""A model says whether a problem can be solved at all, before attempts are paid for."""

import re
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

import sparq_core as sparq

PROMPT = """\
Here is a problem.

<problem>
{{ problem.statement }}
</problem>

Is it well posed: does it say all that is needed, without contradiction, and does it have exactly one answer? \
Answer with one word, yes or no."""
_WORD = re.compile(r"\b(yes|no)\b", re.IGNORECASE)


class JudgeConfig(sparq.Sampling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `judge`."""

    prompt: Annotated[
        str, Meta(description="Template; may use `problem`. The last yes or no of the answer counts.")
    ] = PROMPT
    role: Annotated[sparq.Role, Meta(description="Who judges.")] = "generator"


class Judge:
    """Rejects problems that a model finds ill posed; one on which it says neither yes nor no stays."""

    def __init__(self, config: JudgeConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        sparq.check_template(self._config.prompt, "judge.with.prompt", problem=sparq.DUMMY_PROBLEM)
        return []

    @sparq.hookimpl
    def screen(self, children: Sequence[sparq.Problem], llm: sparq.Llm) -> list[str | None]:
        prompts = [sparq.render(self._config.prompt, "judge.with.prompt", problem=child) for child in children]
        return [verdict(c.text) for c in llm(self._config.role).complete(prompts, self._config)]


def verdict(text: str) -> str | None:
    """The reason to reject that a judge's answer gives."""
    words = _WORD.findall(text)
    return "ill posed" if words and words[-1].lower() == "no" else None
