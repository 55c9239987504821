"""Mutation: the generator writes a new problem from an old one (SPARQ, Appendix F)."""

import re
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr

import sparq_core as sparq

_FORMAT = """\
The problem must be self-contained and solvable. \
Put it inside <problem> tags and the solution inside <solution> tags, with the final answer in \\boxed{}. \
If there are several numeric answers, give them as a comma-separated list in parentheses."""
_PARENT = """\
Here is a problem and its solution.

<problem>
{{ parent.statement }}
</problem>
<solution>
{{ parent.solution }}
</solution>
"""
PROMPT = f"""{_PARENT}
Write a novel problem inspired by this one, and its solution. {_FORMAT}"""
PAPER = """\
The following is a mathematical problem together with its solution.

<problem>
{{ parent.statement }}
</problem>
<solution>
{{ parent.solution }}
</solution>

Come up with a novel problem of your own and solve it. \
Write the new problem between <problem> and </problem>, then its solution between <solution> and </solution>. \
The solution ends with the final answer as \\boxed{...}. \
If the final answer consists of several numbers, write them as a comma-separated list in parentheses, as in \\boxed{(1, 2)}."""
PRESETS = {"paper": PAPER}
"""Prompts of the operator `mutate` by name: what the paper's asks for (its appendix F), in our words."""
PROMPTS = {
    "harder": f"""{_PARENT}
Write a new problem of the same kind that is harder: it takes one more step, or another idea. {_FORMAT}""",
    "easier": f"""{_PARENT}
Write a new problem of the same kind that is easier: it takes fewer steps. {_FORMAT}""",
    "crossover": f"""{_PARENT}
Here is another one.

<problem>
{{{{ other.statement }}}}
</problem>
<solution>
{{{{ other.solution }}}}
</solution>

Write a novel problem that takes what both of them take. {_FORMAT}""",
}
"""Built-in operators beside the paper's free mutation."""
OTHER = re.compile(r"\{[{%][^}]*\bother\b")
"""A template that wants a second parent."""


class Operator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to make a problem from another."""

    weight: Annotated[float, Meta(gt=0, description="How often it is used, relative to the others.")] = 1.0
    prompt: Annotated[
        str | None,
        Meta(description="Template; may use `parent`, and `other`, a second parent. Built-in names have one."),
    ] = None


class MutateConfig(sparq.Sampling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `mutate`."""

    prompt: Annotated[
        str,
        Meta(
            description="Template of the operator `mutate`; may use `parent`. Or the name of one: `paper` asks what the paper "
            "does, for a novel problem and no more."
        ),
    ] = PROMPT
    operators: Annotated[
        dict[str, Operator],
        Meta(
            min_length=1,
            description="Ways to make a problem, by the name recorded with each child: mutate (paper), harder, easier, "
            "crossover, or any other with its own prompt. A step's parents are shared out among them by weight.",
        ),
    ] = field(default_factory=lambda: {"mutate": Operator()})
    role: Annotated[sparq.Role, Meta(description="Who writes.")] = "generator"

    def __post_init__(self) -> None:
        force_setattr(
            self, "prompt", sparq.named_template(self.prompt, PRESETS)
        )  # whose text is part of the run's identity


class Mutate:
    r"""
    One child for each parent, read from `<problem>` and `<solution>` tags.

    The child's reference answer is the last `\boxed{}` of the solution that came with it.
    """

    def __init__(self, config: MutateConfig) -> None:
        self._config = config
        known = {"mutate": config.prompt, **PROMPTS}
        self._prompts = {name: operator.prompt or known.get(name, "") for name, operator in config.operators.items()}
        self._reach = list(accumulate(operator.weight for operator in config.operators.values()))

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        for name, prompt in self._prompts.items():
            place = _place(name)
            if not prompt:
                message = f"'{name}' is no built-in operator ({', '.join(['mutate', *PROMPTS])}): give it a prompt"
                return [sparq.Finding(level="error", place=place, message=message)]
            sparq.check_template(prompt, f"mutate.{place}", parent=sparq.DUMMY_PROBLEM, other=sparq.DUMMY_PROBLEM)
        return []

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm, rng: Random) -> list[sparq.Draft]:
        names = self._shared_out(len(parents), rng)
        plans = [self._plan(name, parents, i, rng) for i, name in enumerate(names)]
        completions = llm(self._config.role).complete([self._prompt(plan) for plan in plans], self._config)
        return [self._draft(plan, c) for plan, c in zip(plans, completions, strict=True)]

    def _shared_out(self, n: int, rng: Random) -> list[str]:
        """Operators for n parents in random order, each as often as its weight says to the nearest one or two."""
        names, start = list(self._prompts), rng.random()
        marks = [(i + start) / n * self._reach[-1] for i in range(n)]
        drawn = [names[min(bisect(self._reach, mark), len(names) - 1)] for mark in marks]
        rng.shuffle(drawn)
        return drawn

    def _plan(self, name: str, parents: Sequence[sparq.Problem], index: int, rng: Random) -> "Plan":
        """An operator for a parent, and where its template wants one, another parent of the batch."""
        other = None
        if OTHER.search(self._prompts[name]):
            other = rng.choice([parent for parent in parents if parent.id != parents[index].id] or [parents[index]])
        return Plan(name, parents[index], other)

    def _prompt(self, plan: "Plan") -> str:
        place = f"mutate.{_place(plan.operator)} (parent {plan.parent.id})"
        return sparq.render(self._prompts[plan.operator], place, parent=plan.parent, other=plan.other)

    @staticmethod
    def _draft(plan: "Plan", completion: sparq.Recorded) -> sparq.Draft:
        statement, solution = tagged(completion.text, "problem"), tagged(completion.text, "solution")
        answer = sparq.last_boxed(solution or "")
        unparsed = (
            "prompt too long" if completion.finish == "too-long"
            else "refused" if completion.finish == "refused"
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
            parents=(plan.parent.id,) if plan.other is None else (plan.parent.id, plan.other.id),
            operator=plan.operator,
            ordinal=completion.ordinal,
            unparsed=unparsed,
        )


class Plan(NamedTuple):
    """How one child is to be made."""

    operator: str
    parent: sparq.Problem
    other: sparq.Problem | None


def tagged(text: str, tag: str) -> str | None:
    """The content of the first `<tag>…</tag>`, stripped, or None."""
    _, opened, rest = text.partition(f"<{tag}>")
    content, closed, _ = rest.partition(f"</{tag}>")
    return content.strip() if opened and closed else None


def _place(operator: str) -> str:
    """Where an operator's prompt stands in the plugin's options."""
    return "with.prompt" if operator == "mutate" else f"with.operators.{operator}.prompt"
