"""The records that hooks exchange: small, frozen, in the terms of the field."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from sparq_core.contract.errors import PipelineError

Value = Literal["correct", "incorrect", "unknown"]
"""What an attempt is judged to be."""
Outcome = Literal["rejected", "unresolved", "disputed", "out-of-band", "kept"]
"""The outcome of a child: rejected before any attempt, or as its attempts show."""
OUTCOMES: tuple[Outcome, ...] = ("rejected", "unresolved", "disputed", "out-of-band", "kept")
Finish = Literal["stop", "length", "too-long", "refused"]
"""How a completion ended; the field `finish` of `Completion` says what each means."""

ASKING = ("propose", "screen", "verify", "assess", "describe")
"""The hooks that may ask models, in the order of a step."""


class Draft(Struct, frozen=True, kw_only=True):
    """What `load_seeds` and `propose` give: a future problem, or the reason why there is none."""

    statement: str = ""
    """The question."""
    answer: str | None = None
    """The reference answer, if there is one."""
    solution: str = ""
    """The generator's own solution."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """A domain's own data, plain JSON."""
    parents: tuple[str, ...] = ()
    """Ids of the problems it was made from: one or more for a child, none for a seed."""
    operator: str = "seed"
    """The name of what made it, such as `mutate`; for a child by default that of its plugin."""
    ordinal: int | None = None
    """Which of the plugin's completions this was parsed from."""
    unparsed: str = ""
    """Why no problem could be parsed, which rejects it; empty for a good draft."""


class Problem(Struct, frozen=True, kw_only=True):
    """A seed or a child, parsed or not."""

    id: str
    """`round.step.child`; seeds are of round 0."""
    statement: str
    """The question."""
    answer: str | None = None
    """The reference answer: the generator's own, unless `assess` sets another."""
    solution: str = ""
    """The generator's own solution."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """A domain's own data, plain JSON."""
    parents: tuple[str, ...] = ()
    """Ids of the problems it was made from; none for a seed."""
    operator: str = "seed"
    """The name of what made it, such as `mutate`."""
    ordinal: int | None = None
    """The proposer's completion that it was parsed from."""

    @property
    def is_seed(self) -> bool:
        """Whether it was given, not generated."""
        return self.id.startswith("0.")


class Attempt(Struct, frozen=True, kw_only=True, gc=False):
    """One sampled solution of a problem."""

    k: int
    """Counts from 0 within its problem and step."""
    seed: int
    """The seed that it was sampled with; a deterministic sampler gives the same text for it again."""
    text: str
    """The completion, as the model wrote it."""
    finish: Finish
    """How it ended; a truncated one, `length`, may lack its final answer."""
    tokens: int
    """Tokens sampled, the end token included."""
    prompt_tokens: int = 0
    """Of the request it came from, on the first of its attempts; 0 on the others."""


class Trial(Struct, frozen=True):
    """What a verifier judges: an attempt at a problem."""

    problem: Problem
    """The whole problem, its reference and `extra` included."""
    attempt: Attempt
    """The attempt to judge."""


class Verdict(Struct, frozen=True, kw_only=True, gc=False):
    """One verifier's opinion of one attempt."""

    value: Value
    """`unknown` means a limit, a truncation or a crash; a completion that ended by itself without an answer is `incorrect`."""
    reason: str = ""
    """Which rule decided, in a word: `number`, `no-answer`, `truncated`, `timeout`, …"""
    answer: str | None = None
    """The final answer read from the attempt, or None when there is none."""
    by: str = ""
    """The plugin that judged; the engine sets it."""


class Judged(Struct, frozen=True, gc=False):
    """An attempt with its verdict."""

    attempt: Attempt
    """As it was sampled."""
    verdict: Verdict
    """The verifiers' final verdict."""


class Counts(Struct, frozen=True, gc=False):
    """The verdicts on the attempts at one problem, counted."""

    correct: int = 0
    """Correct attempts."""
    incorrect: int = 0
    """Incorrect attempts."""
    unknown: int = 0
    """Attempts that could not be judged."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.correct + other.correct, self.incorrect + other.incorrect, self.unknown + other.unknown)

    @property
    def drawn(self) -> int:
        """All attempts."""
        return self.correct + self.incorrect + self.unknown

    @property
    def decided(self) -> int:
        """Attempts that are correct or incorrect."""
        return self.correct + self.incorrect

    @property
    def solve_rate(self) -> float | None:
        """Correct / decided, or None if no attempt was decided."""
        return self.correct / self.decided if self.decided else None


class Case(Struct, frozen=True):
    """A problem with all its judged attempts, as `assess` and `describe` see it."""

    problem: Problem
    """The whole problem."""
    judged: tuple[Judged, ...]
    """Its attempts, by k; none for a seed that is not attempted."""
    counts: Counts
    """Their verdicts, counted."""
    solve_rate: float | None = None
    """Correct among decided attempts, corrected where a policy stopped early; None if none was decided."""


class Assessment(Struct, frozen=True, kw_only=True):
    """What the attempts show about a problem."""

    outcome: Outcome
    """The outcome of the problem; not `rejected`, which is for problems that were never attempted."""
    reason: str = ""
    """The reason, in a word or two; empty if the outcome says it."""
    quality: float = 0.0
    """At least 0; what an archive ranks by."""
    answer: str | None = None
    """A new reference answer, where the plugin sets one (a majority vote)."""
    verdicts: tuple[Verdict, ...] | None = None
    """Revised verdicts, one per attempt, if the new reference changes them."""


class Rejection(Struct, frozen=True, gc=False):
    """Which plugin rejected a child before any attempt, and why."""

    hook: Literal["propose", "admit", "screen"]
    """The hook; `propose` if the proposal could not be parsed."""
    plugin: str
    """The plugin's name in the pipeline."""
    reason: str
    """A few words; rejections are counted by them."""

    @classmethod
    def of_unread(cls, plugin: str, why: str) -> "Rejection":
        """The rejection of a child that could not be parsed from the proposer's completion."""
        return cls("propose", plugin, why)

    @classmethod
    def by(cls, hook: str, plugin: str, reason: str) -> "Rejection":
        """The rejection of a child by a plugin, with the name of the hook that rejected it."""
        return cls("admit" if hook == "admit" else "screen", plugin, reason)

    @property
    def unread(self) -> bool:
        """Whether no problem could be parsed at all."""
        return self.hook == "propose"

    @property
    def screened(self) -> bool:
        """Whether it was rejected by `screen`, after it was admitted."""
        return self.hook == "screen"


class Child(Struct, frozen=True, kw_only=True):
    """A problem with its outcome, without the texts of its attempts."""

    problem: Problem
    """The problem, with the reference answer after `assess`."""
    outcome: Outcome
    """Its outcome."""
    reason: str = ""
    """The reason of its rejection or of its assessment."""
    rejection: Rejection | None = None
    """Its rejection; None if it was not rejected."""
    counts: Counts = Counts()
    """The verdicts on its attempts, counted."""
    solve_rate: float | None = None
    """Its solve rate as `assess` saw it; None if no attempt was decided."""
    quality: float = 0.0
    """Its quality from `assess`, at least 0; what an archive ranks by."""
    descriptors: Mapping[str, Any] = field(default_factory=dict)
    """Its descriptors from `describe`, by name; empty if it is neither kept nor a seed."""

    @classmethod
    def of(cls, case: Case, assessment: Assessment, descriptors: Mapping[str, Any]) -> "Child":
        """A problem that was not rejected."""
        return cls(
            problem=case.problem,
            outcome=assessment.outcome,
            reason=assessment.reason,
            counts=case.counts,
            solve_rate=case.solve_rate,
            quality=assessment.quality,
            descriptors=descriptors,
        )

    def weighed_by(self, key: str | None) -> "Child":
        """
        The same with its quality multiplied by a descriptor that is a share; as it is without a key, or where that is None.

        PipelineError where the descriptor is no number between 0 and 1.
        """
        share = None if key is None else self.descriptors.get(key)
        if share is None:
            return self
        if isinstance(share, int | float) and 0 <= share <= 1:
            return replace(self, quality=self.quality * share)
        raise PipelineError(f"weigh: '{key}' of problem {self.problem.id} is {share!r}, not a share between 0 and 1")

    @classmethod
    def turned_away(cls, problem: Problem, rejection: Rejection) -> "Child":
        """A problem that was rejected before any attempt."""
        return cls(problem=problem, outcome="rejected", reason=rejection.reason, rejection=rejection)


class Step(Struct, frozen=True, kw_only=True):
    """A committed step, live or replayed: what `commit` folds into a plugin's own state."""

    round: int
    """From 1; round 0 is for the seeds."""
    step: int
    """From 1, within its round."""
    parents: tuple[str, ...]
    """Parents as selected; ids."""
    children: tuple[Child, ...]
    """In the order in which they were proposed, unparsed ones included."""
    again: tuple[Child, ...] = ()
    """Parents that were attempted again, with all of their attempts so far."""


class Message(Struct, frozen=True, gc=False):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    """Whose turn it is."""
    content: str
    """What is said."""


class Example(Struct, frozen=True, kw_only=True, gc=False):
    """One training example: an attempt chosen by `curate`."""

    problem: str
    """The problem's id."""
    attempt: int
    """The attempt's id in the ledger."""


class Model(Struct, frozen=True, kw_only=True):
    """A model as samplers, trainers and benchmarks see it."""

    name: str
    """Its name under `models:`."""
    path: str
    """A local folder, or a name the model's plugin understands (a Hub id, a model of an API)."""
    digest: str
    """The digest of the weights if they are local; otherwise derived from the name."""
    chat_template: str | None = None
    """A Jinja chat template that replaces the model's own."""


class Score(Struct, frozen=True, kw_only=True, gc=False):
    """One benchmark item's value: 1.0 for correct, 0.0 for incorrect, or any other number to be averaged."""

    task: str
    """The benchmark, or one of its metrics."""
    item: str
    """Which of its items: the same for every model, so that two can be compared item by item."""
    value: float
    """Finite."""


class BenchmarkText(Struct, frozen=True, kw_only=True):
    """A text of a benchmark, a question or an answer, that must not be trained on."""

    task: str
    """The benchmark it belongs to."""
    text: str
    """As the benchmark has it."""


class Finding(Struct, frozen=True, kw_only=True):
    """Something `check` noticed: an error stops the run before it spends anything; a run also shows warnings, but not notes."""

    level: Literal["error", "warning", "note"]
    """How bad it is."""
    place: str
    """Which setting of the plugin, e.g. `with.path`; the core adds where the pipeline names the plugin."""
    message: str
    """What is wrong and what to change."""


class Solved(Struct, frozen=True, kw_only=True):
    """A problem with the verdicts on its attempts, without their texts."""

    child: Child
    """Its outcome."""
    attempts: tuple[tuple[int, str], ...]
    """Its attempts in this grading as (attempt id, verdict's value), by k."""

    @property
    def correct(self) -> tuple[int, ...]:
        """Ids of the correct attempts."""
        return tuple(attempt for attempt, value in self.attempts if value == "correct")
