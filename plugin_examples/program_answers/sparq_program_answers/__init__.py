"""Maths problems that come with a program: what it prints is the reference answer, so none rests on a model's sums."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

import sparq_core as sparq
from sparq_program_answers.programs import LONGEST, Runner, between, same, tools_of
from sparq_sandbox import available

PLACE = "program-answers.with.prompt"
PROMPT = """\
Here is a problem, and a Python program that computes its answer.

<problem>
{{ parent.statement }}
</problem>
<program>
{{ parent.extra.program }}
</program>

Write another problem in the same form: related to this one but harder, with a number as its answer. First the problem, then \
how it is solved, between <solution> and </solution> and with your answer in \\boxed{}, then a program that works the answer \
out from what the problem says and prints it, and nothing else. \
Use only the standard library; the program has {{ seconds }} seconds."""


class ProgramAnswersConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `program-answers`."""

    prompt: Annotated[str, Meta(description="Template of a proposal; may use `parent` and `seconds`.")] = PROMPT
    role: Annotated[sparq.Role, Meta(description="Who writes.")] = "generator"
    max_tokens: Annotated[sparq.Positive, Meta(description="Most tokens of a proposal.")] = 1024
    seconds: Annotated[float, Meta(ge=0.01, le=600, description="CPU seconds of a program.")] = 2.0
    disagreeing: Annotated[
        Literal["reject", "keep"],
        Meta(description="What becomes of a problem whose generator has another answer than its program, or none."),
    ] = "keep"


class ProgramAnswers:
    """
    A domain: maths problems whose generator also writes the program that computes the answer. The reference is what it printed.

    Attempts are judged by any verifier of numbers, `sympy` for one. Described by `tools`, what the program uses, and `agrees`:
    1 where the generator's own answer is the program's, 0 where not, None for seeds.
    """

    describes: ClassVar[tuple[str, ...]] = ("tools", "agrees")

    def __init__(self, config: ProgramAnswersConfig) -> None:
        self._config = config
        self._runner: Runner | None = None

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        dummy = sparq.Problem(id="0", statement="", extra={"program": ""})
        sparq.check_template(self._config.prompt, PLACE, parent=dummy, seconds=self._config.seconds)
        if state := available():
            return []
        return [sparq.Finding(level="error", place="use", message=f"programs cannot be confined here: {state.why}")]

    @sparq.hookimpl
    def start(self) -> None:
        self._runner = Runner(self._config.seconds)

    @sparq.hookimpl
    def stop(self) -> None:
        if self._runner is not None:
            self._runner.close()

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm) -> list[sparq.Draft]:
        known = [parent for parent in parents if program_of(parent)]
        seconds = self._config.seconds
        prompts = [sparq.render(self._config.prompt, PLACE, parent=parent, seconds=seconds) for parent in known]
        written = llm(self._config.role).complete(prompts, sparq.Sampling(max_tokens=self._config.max_tokens))
        return [self._draft(parent, said) for parent, said in zip(known, written, strict=True)]

    def _draft(self, parent: sparq.Problem, said: sparq.Recorded) -> sparq.Draft:
        statement, solution, program = (between(said.text, tag) for tag in ("problem", "solution", "program"))
        answer, unparsed = self._answer(statement, program)
        own = sparq.last_boxed(solution)
        return sparq.Draft(
            statement=statement,
            answer=answer or None,
            solution=solution,
            extra={"program": program, "agrees": own is not None and same(own, answer)},
            parents=(parent.id,),
            operator="another with a program",
            ordinal=said.ordinal,
            unparsed=unparsed,
        )

    def _answer(self, statement: str, program: str) -> tuple[str, str]:
        """What the program prints, and why there is no answer."""
        assert self._runner is not None  # noqa: S101 -- `start` made it
        if not statement:
            return "", "no problem"
        if not program or len(program) > LONGEST:
            return "", "program too long" if program else "no program"
        return self._runner.printed(program)

    @sparq.hookimpl
    def screen(self, children: Sequence[sparq.Problem]) -> list[str | None]:
        """Turns away what the generator itself answers otherwise, where the options say so."""
        if self._config.disagreeing == "keep":
            return [None for _ in children]
        return ["disagrees with its program" if child.extra.get("agrees") is False else None for child in children]

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, list[str] | float | None]]:
        return [described(case.problem) for case in cases]


def program_of(problem: sparq.Problem) -> str:
    """The program that computes a problem's answer; empty where its `extra` holds none."""
    program = problem.extra.get("program")
    return program if isinstance(program, str) else ""


def described(problem: sparq.Problem) -> dict[str, list[str] | float | None]:
    agrees = problem.extra.get("agrees")
    return {"tools": tools_of(program_of(problem)), "agrees": float(agrees) if isinstance(agrees, bool) else None}
