"""The whole story of one problem, as `sparq show` tells it."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sparq_core.cli import listing
from sparq_core.cli.wording import block, plain
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.records import Judged, Solved
from sparq_core.contract.texts import valid
from sparq_core.contract.wording import reason_of
from sparq_core.ledger import overview
from sparq_core.ledger.intervals import solve_rate_interval
from sparq_core.ledger.reader import Reader

MOST_CHILDREN = 20
"""Children of a problem that are listed."""


def tell(console: Console, ledger: Reader, id_: str) -> None:
    """Where a problem came from, what it says, how it was attempted and judged, what became of it."""
    child = _solved(ledger, id_).child
    problem = child.problem
    title = plain(f"problem {id_}", "bold"), " ", plain(f"{problem.operator}, {_origin(problem.parents)}", "dim")
    console.print(Text.assemble(*title))
    if written := ledger.written(id_):
        console.print(_panel("as the generator wrote it", written, "dim"))
    console.print(_panel("statement", problem.statement))
    if problem.extra:
        console.print(_panel("extra", _indented(problem.extra), "dim"))
    answer = plain("none", "dim") if problem.answer is None else block(problem.answer, "bold")
    console.print(Text.assemble("reference answer: ", answer))
    counts = child.counts
    rate = ""
    if child.solve_rate is not None:
        interval = solve_rate_interval(counts, child.solve_rate)
        rate = f", solve rate {child.solve_rate:.2f} ({interval.low:.2f} to {interval.high:.2f})"
    judged = ledger.judged(id_)
    reason = f" ({why})" if (why := reason_of(child, judged)) else ""
    by = f" by {child.rejection.plugin} in {child.rejection.hook}" if child.rejection else ""
    told = plain(f"{by}{reason}{rate}, quality {child.quality:.2f}")
    console.print(Text.assemble("outcome: ", (child.outcome, "bold"), told))
    for key, value in child.descriptors.items():
        console.print(plain(f"{key}: {', '.join(value) if isinstance(value, list) else value}"))
    if judged:
        console.print(_attempts(judged, "attempts"))
    if again := ledger.judged_again(id_):
        console.print(_attempts(again, "further attempts, made when it was a parent"))
    if children := overview.children_of(ledger, id_, MOST_CHILDREN + 1):
        listed = children[:MOST_CHILDREN] + ["…"] * (len(children) > MOST_CHILDREN)
        console.print(plain(f"children: {', '.join(listed)}"))


def _panel(title: str, text: str, border: str = "none") -> Panel:
    return Panel(block(text), title=title, title_align="left", border_style=border)


def _indented(data: Mapping[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(data), indent=2).decode()


def _origin(parents: tuple[str, ...]) -> str:
    return f"from {', '.join(parents)}" if parents else "given"


def folded(judged: Iterable[Judged]) -> list[list[Judged]]:
    """Attempts with the same answer and verdict together; each kind stands where its first attempt was drawn."""
    kinds: dict[tuple[str | None, ...], list[Judged]] = {}
    for each in judged:
        verdict = each.verdict
        kinds.setdefault((verdict.value, verdict.reason, verdict.by, verdict.answer), []).append(each)
    return list(kinds.values())


def _attempts(judged: list[Judged], what: str) -> Table:
    kinds = folded(judged)
    different = f", {len(kinds)} of them different" if len(kinds) < len(judged) else ""
    table = Table(title=f"{len(judged)} {what}{different}", title_justify="left", show_lines=True)
    table.add_column("times", justify="right")
    table.add_column("verdict")
    table.add_column("answer", overflow="fold")
    table.add_column("text of the first" if different else "text", overflow="fold")
    colours = {"correct": "green", "incorrect": "red", "unknown": "yellow"}
    for same in kinds:
        verdict, text = same[0].verdict, same[0].attempt.text
        told = Text.assemble(
            (verdict.value, colours[verdict.value]), "\n", plain(f"{verdict.reason}, {verdict.by}", "dim")
        )
        table.add_row(str(len(same)), told, block(verdict.answer or ""), block(text))
    return table


def facts(ledger: Reader, id_: str) -> dict[str, Any]:
    """All that `show RUN PROBLEM --json` tells."""
    return listing.as_json(_solved(ledger, id_).child) | {
        "written": ledger.written(id_),
        "attempts": [_as_json(judged) for judged in ledger.judged(id_)],
        "again": [_as_json(judged) for judged in ledger.judged_again(id_)],
        "children": overview.children_of(ledger, id_, -1),
    }


def _as_json(judged: Judged) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(judged.attempt)
    return found | {"verdict": msgspec.to_builtins(judged.verdict)}


def _solved(ledger: Reader, id_: str) -> Solved:
    try:
        return ledger.solved_one(valid(id_))
    except KeyError:
        raise PipelineError(
            f"there is no problem {id_}; ids are round.step.child, such as 1.12.3 (seeds: 0.1.0)"
        ) from None
