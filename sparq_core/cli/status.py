"""What a run shows at its end, and what `sparq status` shows of it at any time."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sparq_core.cli.arguments import JSON, RUN
from sparq_core.cli.progress import duration
from sparq_core.cli.wording import plain, reasons
from sparq_core.contract.config import Pipeline
from sparq_core.contract.tally import Tally, priced, prices_of
from sparq_core.contract.wording import funnel, metric_name, money, times
from sparq_core.ledger import diversity, overview
from sparq_core.ledger.intervals import Comparison, Interval
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.storage import Lock


def facts(ledger: Reader, folder: Path) -> dict[str, Any]:
    """Everything `status --json` tells."""
    tally, pipeline = ledger.tally(), ledger.pipeline()
    rounds = overview.rounds(ledger)
    last = ledger.last_round()
    metrics = ledger.step_row(last, ledger.steps_of(last)).metrics if rounds else {}
    return {
        "name": pipeline.name,
        "running": Lock.is_held(folder),
        "folder": str(folder),
        "digest": ledger.last_digest(),
        "seeds": {"given": tally.seeds, "kept": tally.seeds_kept, "not_kept": _left_out(ledger, tally)},
        "rounds": {str(r): {"steps": ledger.steps_of(r), "of": pipeline.steps} for r in rounds if r},
        "children": dict(funnel(tally)),
        "rejected": dict(_most_frequent(tally.reasons)),
        "operators": {name: made._asdict() for name, made in overview.operators(ledger).items()},
        "attempts": {"drawn": tally.attempts, **tally.verdicts},
        "verdicts": dict(_most_frequent(tally.why)),
        "tokens": tally.tokens,
        "prompt_tokens": tally.prompt_tokens,
        "cost": tally.cost,
        "prices": {name: msgspec.to_builtins(model.prices) for name, model in pipeline.models.items() if model.prices},
        "roles": dict(_by_role(tally, pipeline)),
        "hours": tally.seconds / 3600,
        "idle": tally.busy.idle,
        "retried": {"requests": tally.retried.requests, "seconds": tally.retried.seconds},
        "replicas": {model: msgspec.to_builtins(replicas) for model, replicas in tally.replicas.items()},
        "metrics": metrics,
        "archive": diversity.archive(ledger),
        "curated": diversity.curated(ledger),
        "changes": [change._asdict() for change in overview.changes(ledger)],
        "phases": [
            {"round": round_, "phase": name, "digest": done.digest, "detail": done.detail}
            for round_, name, done in overview.phases(ledger)
        ],
        "benchmarks": [
            msgspec.to_builtins(c) | {"round": r} for r, rows in overview.compared(ledger).items() for c in rows
        ],
    }


def _by_role(tally: Tally, pipeline: Pipeline) -> Iterator[tuple[str, dict[str, Any]]]:
    """The model that plays each role that was played, what it read and wrote, and the money for it."""
    prices, models = prices_of(pipeline), pipeline.cast_of_roles()
    for role, used in sorted(tally.used.items(), key=lambda item: -item[1].sampled):
        cost = priced(Tally(used={role: used}), {role: prices[role]}).cost if role in prices else None
        told = {"tokens": used.sampled, "prompt_tokens": used.prompt, "cost": cost}
        yield role, {"model": models.get(role), **told}


def _left_out(ledger: Reader, tally: Tally) -> dict[str, int]:
    """Why seeds are not among the parents: their rows are only read where some are not."""
    return overview.seeds_left_out(ledger) if tally.seeds_kept < tally.seeds else {}


def _most_frequent(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])


def tell(console: Console, ledger: Reader, folder: Path) -> dict[str, Any]:
    """Show counts, archive, benchmarks and where things are; the facts that these are."""
    tally = ledger.tally()
    console.print(_how_far(ledger, folder))
    told = facts(ledger, folder)
    console.print(counts(tally, told["metrics"]))
    if left_out := told["seeds"]["not_kept"]:
        console.print(plain(f"  seeds not accepted: {reasons(left_out)}"))
    if len(told["operators"]) > 1:
        yields = [f"{name} {n['kept']:,} of {n['children']:,} kept" for name, n in told["operators"].items()]
        console.print(plain(f"  by operator: {', '.join(yields)}"))
    if len(told["roles"]) > 1:
        for line in _roles(told["roles"]):
            console.print(plain(f"  {line}"))
    for change in overview.changes(ledger):
        console.print(plain(f"  changed after step {change.round}.{change.step}: {change.setting}"))
    for line in coverage(told["archive"], told["curated"]):
        console.print(plain(f"  {line}"))
    for round_, rows in overview.compared(ledger).items():
        console.print(_benchmarks(rows, round_))
    for name, place in _places(ledger, folder):
        console.print(Text.assemble((f"{name:>16}", "dim"), "  ", plain(place)), soft_wrap=True)
    return told


def _roles(roles: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for role, of in roles.items():
        cost = "" if of["cost"] is None else f", cost {money(of['cost'])}"
        yield f"{role} ({of['model']}): {of['tokens']:,} sampled tokens, {of['prompt_tokens']:,} prompt tokens{cost}"


def coverage(archive: Mapping[str, Any], curated: Mapping[str, Any]) -> Iterator[str]:
    """How far labels reach: among all that was attempted, as far as it is described, and among what was chosen of it."""
    if archive["labels"]:
        described = f"{archive['described']:,} of {archive['problems']:,} problems described"
        yield f"archive: {'; '.join([described, *_diverse(archive)])}"
    if curated["problems"]:
        chosen = f"{curated['problems']:,} problems"
        yield f"curated: {'; '.join([chosen, *_diverse(curated)])}"


def _diverse(problems: Mapping[str, Any]) -> list[str]:
    return [
        f"{of['unique']:,} unique {key} in {of['sets']:,} sets, QD-score {of['qd_score']:,.4g}, entropy {of['entropy']:.2f}"
        for key, of in problems["labels"].items()
    ]


def _how_far(ledger: Reader, folder: Path) -> Text:
    """How far the run is."""
    pipeline, last = ledger.pipeline(), ledger.last_round()
    done = ledger.steps_of(last)
    state = "running" if Lock.is_held(folder) else "not running"
    where = (
        f"round {last} of {max(last, pipeline.rounds)}, step {done:,} of {max(done, pipeline.steps):,}"
        if last
        else "seeds"
        if pipeline.rounds
        else "seeds only"
    )
    return Text.assemble(plain(pipeline.name, "bold"), f": {where} ({state})")


def counts(tally: Tally, metrics: Mapping[str, float]) -> Table:
    """The equations: children by outcome, attempts by verdict."""
    table = Table(title="Results", title_justify="left", show_header=False, box=None, padding=(0, 2))
    table.add_column(justify="right")
    table.add_column()
    table.add_row(f"{tally.seeds:,}", f"seeds, {tally.seeds_kept:,} accepted")
    (_, children), *rest = funnel(tally)
    if children:
        table.add_row(f"[bold]{children:,}[/]", "children = " + " + ".join(f"{n:,} {name}" for name, n in rest if n))
    if tally.reasons:
        table.add_row("", plain(f"rejected: {reasons(tally.reasons)}", "dim"))
    verdicts = [(tally.verdicts.get(value, 0), value) for value in ("correct", "incorrect", "unknown")]
    if tally.attempts:
        told = " + ".join(f"{n:,} {value}" for n, value in verdicts)
        table.add_row(f"[bold]{tally.attempts:,}[/]", f"attempts = {told}")
        shares = ", ".join(f"{why} {n / tally.attempts:.1%}" for why, n in _most_frequent(tally.why))
        table.add_row("", plain(shares, "dim"))
    if tally.used:
        table.add_row(f"{tally.tokens:,}", f"sampled tokens, {tally.prompt_tokens:,} prompt tokens")
    for number, what in _of_samplers(tally):
        table.add_row(number, plain(what))
    if tally.cost is not None:
        kept = tally.outcomes.get("kept", 0)
        each = f"; {money(tally.cost / kept)} per kept problem" if kept else ""
        table.add_row(money(tally.cost), f"cost, at the models' prices{each}")
    if tally.seconds:
        table.add_row(duration(tally.seconds), "wall clock up to the last step")
    for key, value in metrics.items() if tally.children else ():
        table.add_row(f"{value:,.4g}", plain(metric_name(key)))
    return table


def _of_samplers(tally: Tally) -> Iterator[tuple[str, str]]:
    """How busy they were, what they sent again, and their replicas."""
    if idling := tally.busy.idle:
        yield f"{idling['sampler']:.0%}", f"sampler idle while generating (graders: {idling['graders']:.0%})"
    if tally.retried.requests:
        told = f"requests sent again, after waits of {duration(tally.retried.seconds)} in total"
        yield f"{tally.retried.requests:,}", told
    for model, of in tally.replicas.items():
        if of.number > 1 or of.lost:
            told = f"each drew {of.least:,} to {of.most:,} completions; lost {times(of.lost)}"
            yield f"{of.number:,}", f"replica{'s' * (of.number != 1)} of {model}: {told}"


def _benchmarks(rows: list[Comparison], round_: int) -> Table:
    other = f"the model of round {round_}" if round_ else "the model trained on the seeds"
    title = f"Benchmark, % (± 95% confidence): the base model and {other}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1), show_edge=False)
    table.add_column("task")
    for name in ("items", "before", "after", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        colour = "green" if row.difference.low > 0 else "red" if row.difference.high < 0 else "yellow"
        difference = f"[{colour}]{_percent(row.difference, '+')}[/]"
        table.add_row(plain(row.task), f"{row.items:,}", _percent(row.before), _percent(row.after), difference)
    return table


def _percent(interval: Interval, sign: str = "") -> str:
    half = max(interval.mean - interval.low, interval.high - interval.mean)
    return f"{100 * interval.mean:{sign}.1f} ± {100 * half:.1f}"


def _places(ledger: Reader, folder: Path) -> list[tuple[str, str]]:
    places = [
        ("ledger", str(folder / "sparq.db")),
        ("run digest", ledger.last_digest() or "(none: nothing is committed yet)"),
    ]
    for name, pattern in (("dataset", "dataset/round-*.jsonl"), ("model", "models/round-*")):
        newest = sorted(p for p in folder.glob(pattern) if not p.name.endswith(".partial"))[-1:]
        places += [(name, str(path)) for path in newest]
    return places


WORDS = {
    "unresolved": "too few attempts were judged correct or incorrect to tell how hard the problem is",
    "disputed": "the attempts agree on another answer than the reference",
    "out of band": "solved too often or too rarely to be kept",
    "unknown": "an attempt that could be judged neither correct nor incorrect, such as a truncated one",
    "idle": "the share of time that the model's slots were empty, or that no answer was being checked; what is near 0% is the "
    "bottleneck",
    "sent again": "after temporary errors, such as a rate limit, a timeout or a dropped connection; no attempt is lost",
    "replicas": "copies of a model that share its requests",
    "filled niches": "combinations of descriptors, such as skills, that have a kept problem",
    "sets": "different combinations of labels",
    "QD-score": "quality and diversity: the sum of the quality of the best problem of each niche or set",
    "entropy": "how evenly problems spread over niches, in nats; exp(entropy) niches of equal size have the same entropy",
    "near duplicate rate": "the share of children that nearly repeat an earlier problem; exact repeats are not counted",
}
"""What stands in a status and is not said there."""


def explained(told: Mapping[str, Any]) -> Iterator[str]:
    """The prices behind the money, and the words that occur in a run's status."""
    for name, prices in told["prices"].items():
        of_prompts, sampled = money(prices["input"]), money(prices["output"])
        yield f"prices of {name}: {of_prompts} per million prompt tokens, {sampled} per million sampled tokens"
    there = [name for name, n in told["children"].items() if n]
    there += [metric_name(key) for key in told["metrics"]] if there else []
    there += ["unknown"] * bool(told["attempts"].get("unknown"))
    there += ["idle"] * bool(told["idle"]) + ["sent again"] * bool(told["retried"]["requests"])
    there += ["replicas"] * any(of["number"] > 1 or of["lost"] for of in told["replicas"].values())
    there += [*coverage(told["archive"], told["curated"])]
    yield from (f"{word}: {meaning}" for word, meaning in WORDS.items() if any(word in name for name in there))


@click.command()
@RUN
@JSON
def status(run: Path, as_json: bool) -> None:
    """Show the progress and results of the run folder RUN, during or after the run."""
    with Reader.open(run) as ledger:
        if as_json:
            click.echo(json.dumps(facts(ledger, run), indent=2))
        else:
            told = tell(console := Console(), ledger, run)
            for line in explained(told):
                console.print(plain(f"  {line}", "dim"))
