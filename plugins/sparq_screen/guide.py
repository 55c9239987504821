"""A model says whether a child leads towards the seed that it was made from (the guide of SGS, 2604.20209)."""

import re
from collections.abc import Callable, Sequence
from typing import IO, Annotated

import msgspec
from msgspec import Meta

import sparq_core as sparq

PROMPT = """\
A student cannot solve this target problem yet.

<target>
{{ parent.statement }}
</target>

Here is a problem to practise on.

<problem>
{{ problem.statement }}
</problem>

How much would practising on it help with the target? \
And how clean is it: a natural problem without needless parts, that says all that is needed and has exactly one answer? \
Rate both from 1 (not at all) to 5 (very), and end with two lines:
Relevance: N
Cleanliness: N"""
RELEVANCE, CLEANLINESS = (
    re.compile(rf"\b{word}[\s:=*_]*(?:is\b)?[\s:=*_]*([1-5])\b(?!\.\d)", re.IGNORECASE)
    for word in ("relevance", "cleanliness")
)
ASTRAY = "guide: children are made from other problems than seeds, and of these no target is known: they pass unasked"


class GuideConfig(sparq.Sampling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `guide`."""

    prompt: Annotated[
        str,
        Meta(
            description="Template; may use `problem`, and `parent`, the seed it was made from. The last `Relevance: N` and the "
            "last `Cleanliness: N` of the answer count."
        ),
    ] = PROMPT
    least: Annotated[int, Meta(ge=1, le=5, description="Mark from which a problem passes, of both.")] = 3
    role: Annotated[sparq.Role, Meta(description="Who rates.")] = "generator"


class Guide:
    """
    Rejects a child that would help little with the seed it was made from (`irrelevant`), and one that is not clean (`unclean`).

    A model marks both from 1 to 5; a mark that cannot be read passes. Meant beside the selector `unsolved`. Seeds' statements
    are all that is remembered, some megabytes for ten thousand: a child whose first parent is no seed passes unasked, and the
    first one of them is warned of.
    """

    def __init__(self, config: GuideConfig) -> None:
        self._config = config
        self._targets: dict[str, str] = {}
        self._warn: Callable[[str], None] | None = None

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        dummy = sparq.DUMMY_PROBLEM
        sparq.check_template(self._config.prompt, "guide.with.prompt", problem=dummy, parent=dummy)
        return []

    @sparq.hookimpl
    def start(self, warn: Callable[[str], None]) -> None:
        self._warn = warn

    @sparq.hookimpl
    def commit(self, step: sparq.Step) -> None:
        if step.round == 0:
            self._targets |= {c.problem.id: c.problem.statement for c in step.children if c.outcome != "rejected"}
        elif self._warn and any(parent not in self._targets for parent in step.parents):
            self._warn(ASTRAY)
            self._warn = None

    @sparq.hookimpl
    def screen(self, children: Sequence[sparq.Problem], llm: sparq.Llm) -> list[str | None]:
        asked = [child for child in children if child.parents and child.parents[0] in self._targets]
        prompts = [self._prompt(child) for child in asked]
        answers = llm(self._config.role).complete(prompts, self._config) if asked else []
        reasons = {child.id: self._reason(said.text) for child, said in zip(asked, answers, strict=True)}
        return [reasons.get(child.id) for child in children]

    def save_state(self, file: IO[bytes]) -> None:
        """The statements of the seeds."""
        file.write(msgspec.msgpack.encode(self._targets, order="sorted"))

    def load_state(self, file: IO[bytes]) -> None:
        """Remember what was written."""
        self._targets = msgspec.msgpack.decode(file.read(), type=dict[str, str])

    def _prompt(self, child: sparq.Problem) -> str:
        parent = sparq.Problem(id=child.parents[0], statement=self._targets[child.parents[0]])
        return sparq.render(self._config.prompt, f"guide.with.prompt ({child.id})", problem=child, parent=parent)

    def _reason(self, answer: str) -> str | None:
        for pattern, reason in ((RELEVANCE, "irrelevant"), (CLEANLINESS, "unclean")):
            mark = last_mark(pattern, answer)
            if mark is not None and mark < self._config.least:
                return reason
        return None


def last_mark(pattern: re.Pattern[str], answer: str) -> int | None:
    """The last mark from 1 to 5 that an answer gives; None where it gives none."""
    found = pattern.findall(answer)
    return int(found[-1]) if found else None
