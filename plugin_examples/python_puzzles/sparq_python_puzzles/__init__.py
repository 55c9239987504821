"""Programming puzzles, as in ACES and P3: a function `f`, solved by a `g` with `f(g()) is True`."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

import sparq_core as sparq
from sparq_python_puzzles.puzzles import SKILLS, Judge, Puzzle, puzzle_of, read_puzzle
from sparq_sandbox import available

PLACE = "python-puzzles.with.prompt"
PROMPT = """\
A puzzle is a Python function f; it is solved by a function g for which f(g()) returns True. Here is one with its solution.

<puzzle>
{{ parent.extra.f }}
</puzzle>
<solution>
{{ parent.solution }}
</solution>
<skills>{{ parent.extra.skills | join(", ") }}</skills>

Write another puzzle in the same form, related to this one but harder to solve, with its solution and at most three skills \
that solving it takes. Skills are {{ skills | join(", ") }}. Use only the standard library; a run has {{ seconds }} seconds."""


class PythonPuzzlesConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `python-puzzles`."""

    prompt: Annotated[str, Meta(description="Template of a proposal; may use `parent`, `skills` and `seconds`.")] = (
        PROMPT
    )
    role: Annotated[sparq.Role, Meta(description="Who writes.")] = "generator"
    max_tokens: Annotated[sparq.Positive, Meta(description="Most tokens of a proposal.")] = 1024
    seconds: Annotated[float, Meta(ge=0.01, le=600, description="CPU seconds of each function.")] = 2.0


class PythonPuzzles:
    """
    A domain: puzzles that a program judges. An attempt's last block of code is run for `g`, then `f` on what it gave.

    Both run in a sandbox, each in a process of its own. A child whose own solution fails, or that anything solves, is turned
    away. Described by `skills`.
    """

    describes: ClassVar[tuple[str, ...]] = ("skills",)
    version: ClassVar[str] = "1"

    def __init__(self, config: PythonPuzzlesConfig) -> None:
        self._config = config
        self._judge: Judge | None = None

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        dummy = sparq.Problem(id="0", statement="", extra=Puzzle("", ()).extra)
        sparq.check_template(self._config.prompt, PLACE, parent=dummy, skills=SKILLS, seconds=self._config.seconds)
        if state := available():
            return []
        return [sparq.Finding(level="error", place="use", message=f"programs cannot be confined here: {state.why}")]

    @sparq.hookimpl
    def start(self) -> None:
        self._judge = Judge(self._config.seconds)

    @sparq.hookimpl
    def stop(self) -> None:
        if self._judge is not None:
            self._judge.close()

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm) -> list[sparq.Draft]:
        known = [parent for parent in parents if puzzle_of(parent)]
        more = {"skills": SKILLS, "seconds": self._config.seconds}
        prompts = [sparq.render(self._config.prompt, PLACE, parent=parent, **more) for parent in known]
        written = llm(self._config.role).complete(prompts, sparq.Sampling(max_tokens=self._config.max_tokens))
        return [draft(parent, said) for parent, said in zip(known, written, strict=True)]

    @sparq.hookimpl
    def screen(self, children: Sequence[sparq.Problem]) -> list[str | None]:
        return [self._screen(puzzle_of(child), child.solution) for child in children]

    def _screen(self, puzzle: Puzzle | None, solution: str) -> str | None:
        assert self._judge is not None  # noqa: S101 -- `start` made it
        if puzzle is None:
            return "no puzzle"
        value, _ = self._judge.tried(puzzle.f, sparq.last_code_block(solution) or "")
        if value != "correct":
            return "own solution fails"
        return "trivial" if self._judge.is_trivial(puzzle.f) else None

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict | None]:
        return [self._verify(trial) for trial in trials]

    def _verify(self, trial: sparq.Trial) -> sparq.Verdict | None:
        assert self._judge is not None  # noqa: S101 -- `start` made it
        puzzle, program = puzzle_of(trial.problem), sparq.last_code_block(trial.attempt.text)
        if puzzle is None:
            return None
        if program is None and trial.attempt.finish != "stop":
            return sparq.Verdict(value="unknown", reason="truncated")
        if program is None:
            return sparq.Verdict(value="incorrect", reason="no-answer")
        value, reason = self._judge.tried(puzzle.f, program)
        return sparq.Verdict(value=value, reason=reason, answer=program.strip())

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, list[str]]]:
        puzzles = [puzzle_of(case.problem) for case in cases]
        return [{"skills": sorted(puzzle.skills) if puzzle else []} for puzzle in puzzles]


def draft(parent: sparq.Problem, said: sparq.Recorded) -> sparq.Draft:
    """What a model wrote as a child of this parent."""
    read = read_puzzle(said.text)
    if isinstance(read, str):
        return sparq.Draft(parents=(parent.id,), operator="another puzzle", ordinal=said.ordinal, unparsed=read)
    puzzle, solution = read
    return sparq.Draft(
        statement=puzzle.statement,
        solution=f"```python\n{solution}\n```",
        extra=puzzle.extra,
        parents=(parent.id,),
        operator="another puzzle",
        ordinal=said.ordinal,
    )
