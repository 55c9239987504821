"""Skill labels: the labeller lists the skills a solution uses (SPARQ, Appendix F)."""

import re
from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta
from msgspec.structs import force_setattr

import sparq_core as sparq

PROMPT = """\
Here is a problem and its solution.

<problem>
{{ problem.statement }}
</problem>
<solution>
{{ problem.solution }}
</solution>

List at most {{ max }} skills that the solution uses, separated by commas, inside <skills> tags."""


PAPER = """\
Below are a problem and its solution.

<problem>
{{ problem.statement }}
</problem>
<solution>
{{ problem.solution }}
</solution>

Which skills and lemmas are relevant to solving this problem? Name at most {{ max }} of them as a comma-separated list between \
<skills> and </skills>."""
PRESETS = {"paper": PAPER}
"""Prompts by name: what the paper's asks for (its appendix F), in our words."""


class SkillsConfig(sparq.Sampling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `skills`."""

    prompt: Annotated[
        str,
        Meta(
            description="Template; may use `problem` and `max`. Or the name of one: `paper` asks for skills and lemmas, as the "
            "paper does."
        ),
    ] = PROMPT
    max: Annotated[int, Meta(ge=1, description="Maximum number of skills per problem.")] = 3
    role: Annotated[sparq.Role, Meta(description="Who labels.")] = "labeller"
    temperature: Annotated[float, Meta(ge=0, description="Sampling temperature; 0 is greedy.")] = 0.0
    max_tokens: Annotated[int, Meta(ge=1, description="Maximum number of tokens per answer.")] = 128

    def __post_init__(self) -> None:
        force_setattr(
            self, "prompt", sparq.named_template(self.prompt, PRESETS)
        )  # whose text is part of the run's identity


class Skills:
    """
    Describes a problem by `skills`: a sorted list of lower-case names, empty where the answer cannot be read.

    Labels are stored as given; which of them make niches is the archive's choice.
    """

    describes: ClassVar[Sequence[str]] = ("skills",)

    def __init__(self, config: SkillsConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        dummies = {"problem": sparq.DUMMY_PROBLEM, "max": self._config.max}
        sparq.check_template(self._config.prompt, "skills.with.prompt", **dummies)
        return []

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case], llm: sparq.Llm) -> list[dict[str, list[str]]]:
        prompts = [self._prompt(case.problem) for case in cases]
        completions = llm(self._config.role).complete(prompts, self._config)
        return [{"skills": read_skills(c.text, self._config.max)} for c in completions]

    def _prompt(self, problem: sparq.Problem) -> str:
        return sparq.render(self._config.prompt, "skills.with.prompt", problem=problem, max=self._config.max)


def read_skills(text: str, most: int) -> list[str]:
    """The first `most` distinct names inside `<skills>` tags, in lower case, sorted."""
    found = re.search(r"<skills>(.*?)(?:</skills>|$)", text, re.DOTALL)
    if not found:
        return []
    names = [" ".join(name.casefold().split()).strip(" .") for name in found[1].split(",")]
    return sorted(list(dict.fromkeys(filter(None, names)))[:most])
