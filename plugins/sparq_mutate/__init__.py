"""Mutation: the generator writes a new problem from an old one (SPARQ, Appendix F)."""

import re
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

import sparq_core as sparq

PROMPT = """\
Here is a problem and its solution.

<problem>
{{ parent.statement }}
</problem>
<solution>
{{ parent.solution }}
</solution>

Write a novel problem inspired by this one, and its solution. The problem must be self-contained and solvable. \
Put it inside <problem> tags and the solution inside <solution> tags, with the final answer in \\boxed{}. \
If there are several numeric answers, give them as a comma-separated list in parentheses."""


class MutateConfig(sparq.Sampling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `mutate`."""

    prompt: Annotated[str, Meta(description="Template; may use `parent`.")] = PROMPT
    operator: Annotated[str, Meta(description="Recorded with each child.")] = "mutate"
    role: Annotated[sparq.Role, Meta(description="Who writes.")] = "generator"


class Mutate:
    r"""
    One child for each parent, read from `<problem>` and `<solution>` tags.

    The child's reference answer is the last `\boxed{}` of the solution that came with it.
    """

    def __init__(self, config: MutateConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        sparq.check_template(self._config.prompt, "mutate.with.prompt", "parent")
        return []

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm) -> list[sparq.Draft]:
        completions = llm(self._config.role).complete([self._prompt(parent) for parent in parents], self._config)
        return [self._draft(parent, c) for parent, c in zip(parents, completions, strict=True)]

    def _prompt(self, parent: sparq.Problem) -> str:
        return sparq.render(self._config.prompt, "mutate.with.prompt", parent=parent)

    def _draft(self, parent: sparq.Problem, completion: sparq.Recorded) -> sparq.Draft:
        statement, solution = tagged(completion.text, "problem"), tagged(completion.text, "solution")
        answer = sparq.last_boxed(solution or "")
        unparsed = (
            "prompt too long" if completion.finish == "too-long"
            else "no <problem> tags" if not statement
            else "no <solution> tags" if not solution
            else "no boxed answer" if not answer
            else ""
        )  # fmt: skip
        if unparsed and completion.finish == "length":
            unparsed = "cut at max_tokens"
        return sparq.Draft(
            statement=statement or "",
            answer=answer,
            solution=solution or "",
            parents=(parent.id,),
            operator=self._config.operator,
            ordinal=completion.ordinal,
            unparsed=unparsed,
        )


def tagged(text: str, tag: str) -> str | None:
    """The content of the first `<tag>…</tag>`, stripped, or None."""
    found = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return found[1].strip() if found else None
