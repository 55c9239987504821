"""
`sparq profile` on real attempts: `python benchmarks/profile_rollouts.py DATA/gsm8k_rollouts.jsonl.gz`.

1,319 problems of GSM8K with 11 labelled solutions each, which models of half a billion parameters wrote, are replayed by a
sampler in place of a model: a row's solutions are its attempts, in an order drawn from the seed. Told is

- how many verdicts are others than the labels;
- what a policy that stops early costs in attempts against all 11, where it retains 90% of the rows in the band of 2 to 9: the
  command itself in one order, and the same policies on the recorded verdicts in 20 orders;
- the share of groups of 6 that come out alike, against what the first 5 attempts of each row lead to expect;
- how often the intervals of solve rates hold the true one, on simulated rates.

Writes `benchmarks/results/profile.json`. Takes a minute or two of processor time.
"""

import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from msgspec import Struct

import sparq_core as sparq
from sparq_assess.band import Band, BandConfig
from sparq_core.contract.config import AttemptsConfig
from sparq_core.ledger.intervals import solve_rate_interval
from sparq_core.pipeline.guards import Ration, Rationing
from sparq_core.profile.summary import fitted_prior, zero_variance
from sparq_policies import Bayes, BayesConfig

RESULTS = Path(__file__).parent / "results" / "profile.json"
K, BAND, ORDERS = 11, (2, 9), 20
WORTHS = (15, 18, 22, 27, 33, 40, 44, 50, 60, 80, 120)
SEEN, GROUP = 5, 6
SIMULATED = 20_000
PROMPT = "{{ problem.statement }}"
Judged = tuple[str, str]
"""A verdict and its reason."""


class ReplayConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the solutions are."""

    path: sparq.InputFile


class Replay:
    """A sampler that gives the recorded solutions of a row, each once, in an order drawn from the row's first seed."""

    def __init__(self, config: ReplayConfig) -> None:
        self._rows = {row["problem"].strip(): row["rollouts"] for row in _read(Path(config.path))}
        self._began: dict[str, int] = {}

    @sparq.hookimpl
    def sampler(self) -> Any:
        return self

    deterministic, digest = True, "replay"

    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        return [list(self._answers(request)) for request in requests]

    def _answers(self, request: sparq.Request) -> Iterator[sparq.Completion]:
        statement = request.messages[-1].content
        began = self._began.setdefault(statement, request.seed)
        texts = list(self._rows[statement])
        Random(began).shuffle(texts)
        for k in range(request.seed - began, request.seed - began + request.n):
            yield sparq.Completion(text=texts[k], finish="stop", tokens=len(texts[k].split()))

    def close(self) -> None:
        self._began.clear()


def _read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def main() -> None:
    data = Path(sys.argv[1]).resolve()
    rows = _read(data)
    with tempfile.TemporaryDirectory() as scratch:
        fixed, seconds = profiled(data, Path(scratch) / "fixed")
        judged = [[said[text] for text in row["rollouts"]] for row, said in zip(rows, fixed, strict=True)]
        verdicts = [[verdict for verdict, _ in of_row] for of_row in judged]
        report: dict[str, Any] = {"rows": len(rows), "attempts": K * len(rows), "seconds": round(seconds, 1)}
        report["labels"] = against_labels(rows, judged)
        report["early"] = early(verdicts)
        worth = report["early"]["default prior"]["at 90%"]["worth"]
        stopped, _ = profiled(data, Path(scratch) / "early", worth)
        report["early"]["the command in one order"] = sum(map(len, stopped)) / (K * len(rows))
    report["groups"] = groups(verdicts)
    report["coverage"] = coverage()
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


def profiled(data: Path, out: Path, worth: float | None = None) -> tuple[list[dict[str, Judged]], float]:
    """The verdict on each text that the command drew, row by row, and the seconds that took."""
    settings = [f"attempts.prompt={json.dumps(PROMPT)}", "attempts.min_decided=0"]
    policy = []
    if worth:
        policy = ["--policy", "bayes"]
        settings += [f"plugins.bayes.with={{worth: {worth}, complete: false, wave: 1}}"]
    command = [
        *(sys.executable, "-m", "sparq_core.cli", "profile", str(data), "--out", str(out)),
        *("--model", f"{{use: {Path(__file__).resolve()}:Replay, model: recorded, with: {{path: {data}}}}}"),
        *("--attempts", str(K), "--band", *map(str, BAND), *policy, "--option", "extra=[]"),
        *(part for setting in settings for part in ("--set", setting)),
    ]
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: list[dict[str, Judged]] = []
    with (out / "attempts.jsonl").open(encoding="utf-8") as file:
        for line in file:
            attempt = json.loads(line)
            found += [{} for _ in range(attempt["row"] + 1 - len(found))]
            found[attempt["row"]][attempt["text"]] = attempt["verdict"], attempt["reason"]
    return found, time.monotonic() - began


def against_labels(rows: Sequence[Mapping[str, Any]], judged: Sequence[Sequence[Judged]]) -> dict[str, int]:
    """
    Attempts whose verdict is another than their label, by the verdict and its reason.

    The data's README knows of 35 labels that ignore a sign: they are `number` here.
    """
    found: Counter[str] = Counter()
    for row, of_row in zip(rows, judged, strict=True):
        for label, (verdict, reason) in zip(row["correct"], of_row, strict=True):
            if (verdict == "correct") != bool(label):
                found[f"{'correct' if label else 'incorrect'} by the label, here {verdict}: {reason}"] += 1
        right = [verdict for verdict, _ in of_row].count("correct")
        found["rows with another number of correct attempts"] += sum(row["correct"]) != right
        found["attempts that are unknown"] += sum(verdict == "unknown" for verdict, _ in of_row)
    return dict(found)


def early(verdicts: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Attempts, as a share of all, and the share of the band's rows retained, by what a kept row is worth; over all orders."""
    halves = verdicts[::2], verdicts[1::2]
    fitted = [fitted_prior(Counter(map(counts_of, half))) for half in halves]
    found: dict[str, Any] = {"kept of 11": sum(in_band(counts_of(of_row)) for of_row in verdicts)}
    for name, priors in (("default prior", [None, None]), ("prior fitted on the other half", fitted[::-1])):
        frontier = [_point(worth, halves, priors) for worth in WORTHS]
        enough = [point for point in frontier if point["retained"] >= 0.9]
        found[name] = {"frontier": frontier, "at 90%": min(enough, key=lambda point: point["attempts"])}
    return found


def _point(
    worth: float, halves: Sequence[Sequence[Sequence[str]]], priors: Sequence[tuple[float, float] | None]
) -> dict[str, float]:
    """What a policy draws and keeps on all rows, each half of them under its own prior."""
    drawn = kept = right = keepers = 0
    for half, prior in zip(halves, priors, strict=True):
        rule = ration(worth, prior=prior)
        for order in range(ORDERS):
            rng = Random(order)
            for of_row in half:
                end, keeper = stopped(rule, rng.sample(of_row, K)), in_band(counts_of(of_row))
                is_kept = in_band(end) and not rule.gave_up(end)
                drawn, kept, right = drawn + end.drawn, kept + is_kept, right + (is_kept and keeper)
                keepers += keeper
    rows = sum(map(len, halves))
    shares = (drawn / (ORDERS * K * rows), right / keepers, right / kept if kept else 1.0)
    return {"worth": worth} | dict(zip(("attempts", "retained", "agree"), (round(x, 4) for x in shares), strict=True))


def counts_of(verdicts: Sequence[str]) -> sparq.Counts:
    return sparq.Counts(verdicts.count("correct"), verdicts.count("incorrect"), verdicts.count("unknown"))


def stopped(rule: Ration, verdicts: Sequence[str]) -> sparq.Counts:
    """Where a policy ends on attempts that come in this order."""
    counts, more = sparq.Counts(), rule.more(sparq.Counts())
    while more:
        counts += counts_of(verdicts[counts.drawn : counts.drawn + more])
        more = rule.more(counts)
    return counts


def in_band(counts: sparq.Counts) -> bool:
    return BAND[0] * counts.decided <= counts.correct * K <= BAND[1] * counts.decided and counts.decided > 0


def ration(worth: float, k: int = K, band: tuple[int, int] = BAND, prior: tuple[float, float] | None = None) -> Ration:
    """How many attempts `bayes` gives a row."""
    assess = Band(BandConfig(correct=band))
    assess.set(k)
    pipeline = sparq.Pipeline(name="replay", steps=1, attempts=AttemptsConfig(k=k), models={}, plugins=[])
    run = sparq.Run(pipeline=pipeline, base=Path(), folder=None, models={})
    config = BayesConfig(worth=worth, complete=False, wave=1, **({"prior": prior} if prior else {}))
    policy = Bayes(config).policy(run=run, decide=assess.decide)
    return Rationing(policy).ration(k)


def groups(verdicts: Sequence[Sequence[str]]) -> dict[str, float]:
    """Groups of 6 that are all right or all wrong: those there are, and those expected from 5 attempts before them."""
    seen: Counter[sparq.Counts] = Counter()
    alike = of = 0
    for order in range(ORDERS):
        rng = Random(order)
        for of_row in verdicts:
            shuffled = rng.sample(of_row, K)
            first, rest = counts_of(shuffled[:SEEN]), counts_of(shuffled[SEEN : SEEN + GROUP])
            if first.unknown or rest.unknown:
                continue
            seen[first] += 1
            alike += not (rest.correct and rest.incorrect)
            of += 1
    prior = fitted_prior(seen)
    return {
        "there are": alike / of,
        "expected, prior fitted": zero_variance(seen, prior, GROUP),
        "expected, Jeffreys' prior": zero_variance(seen, (0.5, 0.5), GROUP),
        "expected, uniform prior": zero_variance(seen, (1.0, 1.0), GROUP),
    }


def coverage() -> dict[str, float]:
    """How often the 95% interval holds the solve rate that attempts were simulated with, at 16 attempts."""
    rule = ration(60, 16, (2, 14))

    def all_at_once(verdicts: Sequence[str]) -> tuple[sparq.Counts, float | None]:
        counts = counts_of(verdicts)
        return counts, counts.solve_rate

    def by_bayes(verdicts: Sequence[str]) -> tuple[sparq.Counts, float | None]:
        counts = stopped(rule, verdicts)
        return counts, rule.solve_rate(counts)

    found = {}
    for name, attempt in (("all 16", all_at_once), ("bayes", by_bayes)):
        held = 0
        for number in range(SIMULATED):
            rng = Random(number)
            p = rng.betavariate(0.5, 0.5)
            counts, rate = attempt(["correct" if rng.random() < p else "incorrect" for _ in range(16)])
            interval = solve_rate_interval(counts, rate)
            held += interval.low <= p <= interval.high
        found[name] = held / SIMULATED
    return found


if __name__ == "__main__":
    main()
