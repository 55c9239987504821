"""The pages: what each shows, from the ledger and its index."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException

from sparq_core.contract.records import OUTCOMES, Problem, Solved
from sparq_core.contract.texts import shortened
from sparq_core.ledger import browse, samples
from sparq_core.ledger.browse import Filter, Found, Key
from sparq_core.report.page import environment, figures
from sparq_core.view.asked import Asked
from sparq_core.view.opened import Opened
from sparq_core.view.wording import Part, differences, shared

A_PAGE = 50
"""Problems of a list."""
MOST_OPTIONS = 200
"""Operators, reasons, labels and niches that can be chosen, the most frequent ones."""
MOST_CHILDREN = 50
ALIKE = 0.3
"""The share of a statement that its parent must have for the two to be compared word by word."""
FARTHEST = 10
"""Ancestors of a problem that are shown."""
LONGEST = 20_000
"""Characters of a text that are shown."""
ROOM = 400_000
"""Characters of all attempts that a page has room for."""
MOST_ATTEMPTS = 256
"""Attempts whose texts are shown."""


def rendered(template: str, opened: Sequence[Opened], **shown: Any) -> str:
    """A page with what all pages have."""
    page = environment("sparq_core.view", "sparq_core.report").get_template(template)
    return page.render(opened=opened, **shown)


def overview(runs: Sequence[Opened]) -> str:
    """What a report shows, live; several runs beside each other."""
    return rendered("overview.html", runs, pulse=pulse(runs), **figures([run.facts() for run in runs]))


def pulse(runs: Sequence[Opened]) -> str:
    """A text that is another one as soon as there is something new to show."""
    return " ".join(run.pulse for run in runs)


def failed(runs: Sequence[Opened], title: str, why: str) -> str:
    """A page in the place of one that cannot be shown."""
    return rendered("failed.html", runs, title=title, why=why)


# -- problems ----------------------------------------------------------------------------------------------------------


class Option(NamedTuple):
    """A choice of a filter."""

    value: object
    name: str
    times: int | None


def problems(runs: Sequence[Opened], run: Opened, asked: Asked) -> str:
    """A list of problems, and what it can be narrowed down to."""
    back = asked.before is not None
    found = browse.find(run.index, asked.wanted, asked.before if back else asked.after, A_PAGE, back=back)
    backward, onward = _around(asked, found)
    return rendered(
        "problems.html",
        runs,
        run=run,
        asked=asked,
        choices=_choices(run),
        problems=list(browse.listed(run.index, found.keys[::-1] if back else found.keys)),
        backward=asked.address(before=backward) if backward else None,
        onward=asked.address(after=onward) if onward else None,
        stopped=asked.address(**{"before" if back else "after": found.stopped}) if found.stopped else None,
    )


def _around(asked: Asked, found: Found) -> tuple[Key | None, Key | None]:
    """Before which place the page before this one ends, and after which the next one begins; None where there is none."""
    first, last = (found.keys[0], found.keys[-1]) if found.keys else (None, None)
    further = (found.stopped or last) if found.more else None
    if asked.before:
        return further, first or asked.before
    return (first or asked.after) if asked.after else None, further


def _choices(run: Opened) -> dict[str, list[Option]]:
    index = run.index
    named: dict[str, tuple[Any, Callable[[int], str]]] = {
        "operator": (index.operators, lambda n: index.operators.known[n]),
        "label": (index.labels, run.label),
        "niche": (index.niches, run.niche),
        "reason": (index.reasons, lambda n: index.reasons.known[n]),
    }
    return {
        "outcome": [Option(name, name.replace("-", " "), index.outcomes[name]) for name in reversed(OUTCOMES)],
        "round": [Option(round_, f"{round_}" if round_ else "seeds", None) for round_ in index.rounds],
        **{
            name: [Option(n, say(n), names.times[n]) for n in names.most_frequent(MOST_OPTIONS)]
            for name, (names, say) in named.items()
        },
    }


# -- a problem ---------------------------------------------------------------------------------------------------------


class Parent(NamedTuple):
    """A problem that another one was made from, and how that differs from it."""

    problem: Problem
    parts: list[Part] | None

    @property
    def is_alike(self) -> bool:
        """Whether enough is the same for a comparison to be read."""
        return self.parts is not None and shared(self.parts) >= ALIKE


def problem(runs: Sequence[Opened], run: Opened, id_: str, asked: Asked) -> str:
    """All of a problem: where it comes from, what became of it, what came of it."""
    key = browse.key_of(run.index, id_)
    if key is None:
        raise HTTPException(
            404, f"There is no problem {shortened(id_, 40)} here, or none yet. Ids are round.step.child."
        )
    solved = run.ledger.solved_one(id_)
    judged, again = run.ledger.judged(id_), run.ledger.judged_again(id_)
    numbers = {label: n for n, label in enumerate(run.index.labels.known)}
    return rendered(
        "problem.html",
        runs,
        run=run,
        asked=asked,
        child=solved.child,
        problem=solved.child.problem,
        descriptors=_descriptors(solved, numbers),
        parents=[_parent(parent, solved.child.problem) for parent in _parents(run, solved)],
        written=run.ledger.written(id_),
        attempts=judged,
        again=again,
        room=max(500, min(LONGEST, ROOM // max(1, min(MOST_ATTEMPTS, len(judged) + len(again))))),
        most=MOST_ATTEMPTS,
        family=browse.children(run.index, key, MOST_CHILDREN),
        ancestors=samples.lineage(run.ledger, id_, FARTHEST),
        farthest=FARTHEST,
        longest=LONGEST,
        extra=json.dumps(solved.child.problem.extra, ensure_ascii=False, indent=1)
        if solved.child.problem.extra
        else "",
        before=_beside(run, asked.wanted, key, back=True),
        after=_beside(run, asked.wanted, key, back=False),
    )


def _beside(run: Opened, wanted: Filter, key: Key, *, back: bool) -> str | None:
    """The id of the next problem that is wanted, or of the one before; None where none is found at once."""
    keys = browse.find(run.index, wanted, key, 1, back=back, budget=browse.BUDGET / 4).keys
    return browse.id_of(run.ledger, keys[0]) if keys else None


def _parents(run: Opened, solved: Solved) -> list[Problem]:
    return run.ledger.problems(solved.child.problem.parents[:4])


def _parent(parent: Problem, child: Problem) -> Parent:
    return Parent(parent, differences(parent.statement, child.statement) if child.statement else None)


def _descriptors(
    solved: Solved, numbers: Mapping[tuple[str, str], int]
) -> list[tuple[str, list[tuple[str, int | None]]]]:
    """Each descriptor with its values; a label that is indexed with its number."""
    return [
        (key, [(str(one), numbers.get((key, one))) for one in (value if isinstance(value, list) else [value])][:50])
        for key, value in list(solved.child.descriptors.items())[:50]
    ]
