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
ILL_POSED = "ill posed"
VERDICTS = {
    True: sparq.Verdict(value="correct", reason="well posed"),
    False: sparq.Verdict(value="incorrect", reason=ILL_POSED),
    None: sparq.Verdict(value="unknown", reason="neither yes nor no"),
}
_WORD = re.compile(r"\b(yes|no)\b", re.IGNORECASE)


class JudgeConfig(sparq.Sampling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `judge`."""

    prompt: Annotated[
        str, Meta(description="Template; may use `problem`. The last yes or no of the answer counts.")
    ] = PROMPT
    role: Annotated[sparq.Role, Meta(description="Who judges.")] = "generator"


class Judge:
    """
    Rejects problems that a model finds ill posed; one on which it says neither yes nor no stays.

    In an audit the model given there judges, whatever `role` says: yes is valid, no invalid, neither unknown.
    """

    def __init__(self, config: JudgeConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        sparq.check_template(self._config.prompt, "judge.with.prompt", problem=sparq.DUMMY_PROBLEM)
        return []

    @sparq.hookimpl
    def screen(self, children: Sequence[sparq.Problem], llm: sparq.Llm) -> list[str | None]:
        return [None if said is not False else ILL_POSED for said in self._asked(llm(self._config.role), children)]

    @sparq.hookimpl
    def audit(self, problems: Sequence[sparq.Problem], auditor: sparq.RoleModel) -> list[sparq.Verdict]:
        return [VERDICTS[said] for said in self._asked(auditor, problems)]

    def _asked(self, model: sparq.RoleModel, problems: Sequence[sparq.Problem]) -> list[bool | None]:
        prompts = [sparq.render(self._config.prompt, "judge.with.prompt", problem=problem) for problem in problems]
        return [says_yes(completion.text) for completion in model.complete(prompts, self._config)]


def says_yes(text: str) -> bool | None:
    """What the last yes or no of an answer is; None where it has neither."""
    words = _WORD.findall(text)
    return words[-1].lower() == "yes" if words else None
