"""The answers to items: drawn, judged, written down and counted."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

import sparq_core as sparq
from sparq_passn.items import Item

BATCH = 64
"""Items that are asked at once: their answers are held in memory."""
Verify = Callable[[Sequence[sparq.Trial]], Sequence[sparq.Verdict]]


class Counted(Struct, frozen=True):
    """How the answers to one item came out, and what they cost."""

    item: str
    counts: sparq.Counts
    tokens: int
    prompt_tokens: int


class Asking(Struct, frozen=True):
    """How items are asked."""

    n: int
    prompt: str
    sampling: sparq.Sampling
    seed: int

    def request(self, item: Item) -> sparq.Request:
        """What the model is asked; each item has seeds of its own, the same for every model."""
        prompt = sparq.render(self.prompt, "attempts.prompt", problem=item.problem)
        seed = sparq.derive(self.seed, item.id)
        return sparq.Request(messages=(sparq.Message("user", prompt),), seed=seed, sampling=self.sampling, n=self.n)


def answer(
    items: Sequence[Item], asking: Asking, sampler: sparq.Sampler, verify: Verify, path: Path
) -> Iterator[Counted]:
    """Draw and judge the answers to all items, which are written to `path`, an item a line."""
    with path.open("w", encoding="utf-8") as file:
        for first in range(0, len(items), BATCH):
            batch = items[first : first + BATCH]
            for item, judged in zip(batch, _judged(batch, asking, sampler, verify), strict=True):
                file.write(_line(item, judged))
                yield _counted(item, judged)


def _judged(
    items: Sequence[Item], asking: Asking, sampler: sparq.Sampler, verify: Verify
) -> Iterator[list[sparq.Judged]]:
    requests = [asking.request(item) for item in items]
    trials = [
        sparq.Trial(item.problem, _attempt(request, k, completion))
        for item, request, completions in zip(items, requests, sampler.sample(requests), strict=True)
        for k, completion in enumerate(completions)
    ]
    verdicts = verify(trials)
    for first in range(0, len(trials), asking.n):
        those = slice(first, first + asking.n)
        yield [sparq.Judged(t.attempt, v) for t, v in zip(trials[those], verdicts[those], strict=True)]


def _attempt(request: sparq.Request, k: int, completion: sparq.Completion) -> sparq.Attempt:
    return sparq.Attempt(
        k=k,
        seed=request.seed + k,
        text=completion.text,
        finish=completion.finish,
        tokens=completion.tokens,
        prompt_tokens=completion.prompt_tokens,
    )


def _counted(item: Item, judged: Sequence[sparq.Judged]) -> Counted:
    values = [j.verdict.value for j in judged]
    counts = sparq.Counts(values.count("correct"), values.count("incorrect"), values.count("unknown"))
    tokens, prompts = (sum(getattr(j.attempt, name) for j in judged) for name in ("tokens", "prompt_tokens"))
    return Counted(item.id, counts, tokens, prompts)


def _line(item: Item, judged: Sequence[sparq.Judged]) -> str:
    answers = [
        {"text": j.attempt.text, "value": j.verdict.value, "reason": j.verdict.reason, "answer": j.verdict.answer}
        for j in judged
    ]
    row = {"item": item.id, "problem": item.problem.statement, "answer": item.problem.answer, "answers": answers}
    return json.dumps(row, ensure_ascii=False) + "\n"
