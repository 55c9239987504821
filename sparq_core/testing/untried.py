"""What a check never got to try: a verifier that was shown no right attempt, a proposer whose model it could not read."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sparq_core import hookspecs

NEED_A_MODEL = (hookspecs.sampler, hookspecs.train, hookspecs.benchmark)
"""The hooks that are called only where a check is given a model."""


class Goal(NamedTuple):
    """What at least one answer of a hook must be, for a check to have tried the hook."""

    spec: Callable[..., Any]
    reached: Callable[[Any], bool]
    missed: str
    remedy: str


_OTHER_PROBLEMS = "give `problems` of its kind, with the `extra` that it needs"
_ANSWERS = (
    "give a `sampler` that answers as the prompt asks: ScriptedSampler({'a phrase of the prompt': ['an answer']})"
)
GOALS = (
    Goal(hookspecs.load_seeds, lambda seed: not seed[1].unparsed, "gave no seed that can be read", "give it some"),
    Goal(hookspecs.select, bool, "chose no parent", _OTHER_PROBLEMS),
    Goal(hookspecs.propose, lambda draft: not draft[1].unparsed, "wrote no problem that can be read", _ANSWERS),
    Goal(hookspecs.admit, lambda rejection: rejection is None, "let no problem through", _OTHER_PROBLEMS),
    Goal(hookspecs.screen, lambda rejection: rejection is None, "let no problem through", _ANSWERS),
    Goal(
        hookspecs.verify,
        lambda verdict: verdict.value == "correct",
        "judged no attempt correct",
        "give `problems` of its kind, each with a `solution` that is a right attempt",
    ),
    Goal(
        hookspecs.verify, lambda verdict: verdict.value == "incorrect", "judged no attempt incorrect", _OTHER_PROBLEMS
    ),
    Goal(hookspecs.describe, lambda said: any(v is not None for v in said.values()), "described no problem", _ANSWERS),
    Goal(hookspecs.curate, lambda _: True, "chose no example", _OTHER_PROBLEMS),
    Goal(hookspecs.audit, lambda verdict: verdict.value != "unknown", "decided about no problem", _ANSWERS),
)


def untried(spec: Callable[..., Any], answers: Sequence[Any]) -> Iterator[str]:
    """What the answers of a hook leave open, each with what to give the check."""
    for goal in GOALS:
        if goal.spec is spec and not any(map(goal.reached, answers)):
            yield f"`{spec.__name__}` {goal.missed}; {goal.remedy}"


def unkept(promised: Collection[str], described: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The descriptors that a plugin promises and did not give every problem, each with what to do."""
    met = Counter(key for said in described for key in said)
    for key in promised:
        if not met[key]:
            yield f"`describe` answered no '{key}', which `describes` promises; {_OTHER_PROBLEMS}, or leave it out there"
        elif met[key] < len(described):
            yield (
                f"`describe` left '{key}' out for {len(described) - met[key]} of {len(described)} problems; that counts as "
                "None, which it may as well answer"
            )


def check_called(hooks: Collection[str], skip: Collection[str]) -> None:
    """AssertionError where a check without a model would leave out one of these hooks unsaid."""
    needy = [spec.__name__ for spec in NEED_A_MODEL]
    strange = sorted(set(skip) - set(needy))
    assert not strange, f"skip names '{strange[0]}': only {', '.join(needy)} may be left out"
    left_out = [hook for hook in needy if hook in hooks and hook not in skip]
    assert not left_out, (
        f"`{left_out[0]}` is never called: give `model`, a model's folder or name, or name the hook in `skip` where other "
        "tests call it"
    )
