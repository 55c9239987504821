"""Which lines an export has: problems, chosen attempts, pairs of attempts, or single ones with a label."""

from collections.abc import Callable, Iterator, Sequence

from sparq_core.contract.records import Judged
from sparq_core.ledger import dataset
from sparq_core.ledger.dataset_columns import Asked
from sparq_core.publish.pairs import matched
from sparq_core.publish.trainers.proof import References
from sparq_core.publish.trainers.row import Given, Row

Source = Callable[[Given, Sequence[str]], Iterator[Row]]
"""The lines of these problems; those that make none are noted in `given.left_out`."""
NOT_RIGHT = "no attempt that is right"


def problems(given: Given, ids: Sequence[str]) -> Iterator[Row]:
    """Each problem once, if its reference passes the reward's test."""
    references = References(given, ids)
    asked = _asked(given)
    for problem in map(asked, ids):
        if (solution := references.proved(problem.child.problem)) is not None:
            yield Row(problem, given.prompt(problem), right=solution)


def chosen(given: Given, ids: Sequence[str]) -> Iterator[Row]:
    """The attempts that the last curation chose, or every correct one."""
    wanted, found = set(ids), set[str]()
    examples = (example for example in dataset.chosen(given.ledger) if example.problem in wanted)
    for row in dataset.drawn(given.ledger, examples):
        found.add(row.asked.child.problem.id)
        yield Row(row.asked, given.prompt(row.asked), right=given.say(row.drawn.text))
    given.left_out.update(dict.fromkeys((id_ for id_ in ids if id_ not in found), NOT_RIGHT))


def pairs(given: Given, ids: Sequence[str]) -> Iterator[Row]:
    """Of each problem right and wrong attempts, matched in length."""
    asked = _asked(given)
    for id_ in ids:
        right, wrong = _told_apart(given, given.ledger.judged(id_))
        if not (right and wrong):
            given.left_out[id_] = "no attempt that is wrong" if right else NOT_RIGHT
            continue
        problem = asked(id_)
        found = matched(right, wrong, len, most=given.pairs)
        if not found:
            given.left_out[id_] = "no right and wrong attempt of like length"
        for one, other in found:
            yield Row(problem, given.prompt(problem), right=one, wrong=other)


def labelled(given: Given, ids: Sequence[str]) -> Iterator[Row]:
    """Each attempt by itself, right or wrong."""
    asked = _asked(given)
    for id_ in ids:
        right, wrong = _told_apart(given, given.ledger.judged(id_))
        if not (right or wrong):
            given.left_out[id_] = "no attempt that was decided"
            continue
        problem = asked(id_)
        prompt = given.prompt(problem)
        yield from (Row(problem, prompt, right=text) for text in right)
        yield from (Row(problem, prompt, wrong=text) for text in wrong)


def _asked(given: Given) -> Callable[[str], Asked]:
    """Problems by their ids, with the prompts that their attempts had."""
    config = given.ledger.pipeline().attempts
    return lambda id_: dataset.asked(config, given.ledger.child(id_))


def _told_apart(given: Given, judged: Sequence[Judged]) -> tuple[list[str], list[str]]:
    """The texts of the attempts that are right, and of those that are wrong; none that is empty or both, and none twice."""
    texts = [
        {given.say(one.attempt.text): None for one in judged if one.verdict.value == value}
        for value in ("correct", "incorrect")
    ]
    right, wrong = ([text for text in own if text.strip() and text not in other] for own, other in (texts, texts[::-1]))
    return right, wrong
