"""Short-answer questions on many topics, judged by whether the answer says the same as an accepted one."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct
from msgspec.structs import replace

import sparq_core as sparq
from sparq_exact_text.matching import compare

PROMPT_PLACE, OTHERS_PLACE = "exact-text.with.prompt", "exact-text.with.others"
PROMPT = """\
Here is a question of a quiz.

<question>{{ parent.statement }}</question>
<answer>{{ parent.answer }}</answer>
<topic>{{ parent.extra.topic }}</topic>

Write another question for the quiz, on something related and in the same form. It has one answer: a name, a word, a year or a \
number. Topics are {{ topics | join(", ") }}."""
OTHERS = """\
<question>{{ question }}</question>
<answer>{{ answer }}</answer>

Which other answers to this question say the same and must be accepted, too? \
Write them between <also> and </also>, separated by semicolons, or nothing where there is none."""
TOPICS = (
    "ancient history",
    "modern history",
    "exploration",
    "physics",
    "chemistry",
    "biology",
    "earth science",
    "astronomy",
)


class ExactTextConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `exact-text`."""

    prompt: Annotated[str, Meta(description="Template of a proposal; may use `parent` and `topics`.")] = PROMPT
    topics: Annotated[tuple[str, ...], Meta(min_length=1, description="What questions may be about.")] = TOPICS
    role: Annotated[sparq.Role, Meta(description="Who writes questions.")] = "generator"
    judge: Annotated[
        sparq.Role | None,
        Meta(
            description="Who is asked which other answers are right, too; none: only the one given with the question."
        ),
    ] = "labeller"
    others: Annotated[str, Meta(description="Template for the judge; may use `question` and `answer`.")] = OTHERS
    max_tokens: Annotated[sparq.Positive, Meta(description="Most tokens of what is written.")] = 256


class ExactText:
    r"""
    A domain: short-answer questions. An answer, the last `\boxed{}`, is right where it says what an accepted one says.

    Accepted are the reference and the problem's `extra.aliases`. Case, accents, articles, punctuation and number words do not
    count. An answer that is near an accepted one, or part of one, is left to the next verifier, and is `unknown` without one.
    Problems are described by `topic`.
    """

    describes: ClassVar[tuple[str, ...]] = ("topic",)
    version: ClassVar[str] = "1"

    def __init__(self, config: ExactTextConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        config = self._config
        sparq.check_template(config.prompt, PROMPT_PLACE, parent=sparq.DUMMY_PROBLEM, topics=config.topics)
        sparq.check_template(config.others, OTHERS_PLACE, question="", answer="")
        return []

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm) -> list[sparq.Draft]:
        topics = self._config.topics
        prompts = [sparq.render(self._config.prompt, PROMPT_PLACE, parent=p, topics=topics) for p in parents]
        written = llm(self._config.role).complete(prompts, sparq.Sampling(max_tokens=self._config.max_tokens))
        drafts = [self._draft(parent, said) for parent, said in zip(parents, written, strict=True)]
        return drafts if self._config.judge is None else self._with_aliases(drafts, llm(self._config.judge))

    def _draft(self, parent: sparq.Problem, said: sparq.Recorded) -> sparq.Draft:
        question, answer, topic = (between(said.text, tag) for tag in ("question", "answer", "topic"))
        unparsed = (
            "no question" if not question
            else "no answer" if not answer
            else "no topic of the list" if topic.casefold() not in self._config.topics
            else ""
        )  # fmt: skip
        return sparq.Draft(
            statement=question,
            answer=answer or None,
            extra={"topic": topic.casefold(), "aliases": []},
            parents=(parent.id,),
            operator="another question",
            ordinal=said.ordinal,
            unparsed=unparsed,
        )

    def _with_aliases(self, drafts: Sequence[sparq.Draft], judge: sparq.RoleModel) -> list[sparq.Draft]:
        """The drafts with what the judge accepts beside the answer given; asked once a question, not once an attempt."""
        good = [i for i, draft in enumerate(drafts) if not draft.unparsed]
        prompts = [
            sparq.render(self._config.others, OTHERS_PLACE, question=drafts[i].statement, answer=drafts[i].answer)
            for i in good
        ]
        told = judge.complete(prompts, sparq.Sampling(temperature=0, max_tokens=self._config.max_tokens))
        aliases = {i: aliases_in(between(said.text, "also")) for i, said in zip(good, told, strict=True)}
        return [
            replace(draft, extra={**draft.extra, "aliases": aliases[i]}) if i in aliases else draft
            for i, draft in enumerate(drafts)
        ]

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict | None]:
        return [verdict(trial) for trial in trials]

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, str | None]]:
        topics = [case.problem.extra.get("topic") for case in cases]
        return [{"topic": topic if isinstance(topic, str) else None} for topic in topics]


def verdict(trial: sparq.Trial) -> sparq.Verdict | None:
    """What an attempt is; None where its problem has no reference answer."""
    reference, answer = trial.problem.answer, sparq.last_boxed(trial.attempt.text)
    if reference is None:
        return None
    if not answer and trial.attempt.finish != "stop":
        return sparq.Verdict(value="unknown", reason="truncated")
    if not answer:
        return sparq.Verdict(value="incorrect", reason="no-answer")
    aliases = trial.problem.extra.get("aliases")
    accepted = [reference, *(alias for alias in aliases if isinstance(alias, str))] if aliases else [reference]
    match compare(answer, accepted):
        case "same":
            return sparq.Verdict(value="correct", reason="match", answer=answer)
        case "unsure":
            return sparq.Verdict(value="unknown", reason="unsure", answer=answer)
        case _:
            return sparq.Verdict(value="incorrect", reason="different", answer=answer)


def aliases_in(text: str) -> list[str]:
    """The first ten answers of a list."""
    return [alias for part in text.split(";") if (alias := part.strip())][:10]


def between(text: str, tag: str) -> str:
    """What stands in the first pair of tags, empty where one of them is missing."""
    _, opened, rest = text.partition(f"<{tag}>")
    inside, closed, _ = rest.partition(f"</{tag}>")
    return inside.strip() if opened and closed else ""
