"""`sparq study`: a question as arms and seeds, and the table and pictures that answer it."""

import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from sparq_core.cli import faults
from sparq_core.cli.arguments import DEBUG, DRAIN, HOOK_LIMIT
from sparq_core.cli.watching import interruptible, progress
from sparq_core.cli.wording import plain
from sparq_core.contract.errors import PipelineError, SparqError
from sparq_core.ledger.files import make_folder
from sparq_core.ledger.storage import Lock
from sparq_core.loop.rounds import exit_code
from sparq_core.loop.session import Observer
from sparq_core.loop.stops import INTERRUPTED
from sparq_core.study import estimate, plots, tables
from sparq_core.study.conduct import Conductor, check_there
from sparq_core.study.ended import BASE
from sparq_core.study.folders import is_begun
from sparq_core.study.plan import Plan, plan
from sparq_core.study.results import Difference, Mean, Results, results_of


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@DEBUG
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Study folder [default: studies/NAME].")
@click.option("--resume", is_flag=True, help="Continue the study in the study folder, or start it if there is none.")
@click.option("--dry-run", is_flag=True, help="Print the cells and their cost, without running anything.")
@DRAIN
@HOOK_LIMIT
@click.option("--json", "as_json", is_flag=True, help="Print the plan or the results as JSON, for programs.")
def study(
    study: Path,
    out: Path | None,
    resume: bool,
    dry_run: bool,
    drain: float,
    hook_limit: float | None,
    as_json: bool,
) -> None:
    """
    Run STUDY, every arm with every seed, and write a table of their differences.

    What arms share is generated and benchmarked once. A study that was stopped or killed continues with --resume; you can add
    arms and seeds. Each cell is a run folder below cells/. Signals work as for `sparq run`.

    Exit codes: 0 done, 1 failed, 2 bad study, 4 interrupted or refused by the machine, 5 locked by another study, 130 stopped
    at once by a second Ctrl-C.
    """
    console = Console(stderr=as_json)
    planned = plan(study)
    folder = out or Path("studies") / planned.study.name
    for finding in planned.findings:
        told = f"{finding.level}: {finding.place}: {finding.message}"
        console.print(plain(told, "yellow"), soft_wrap=True)
    if dry_run:
        check_there(planned, folder)
        _tell_plan(console, planned, folder, as_json)
        return
    _check_ready(planned)
    if is_begun(folder):
        raise PipelineError(f"{folder}: contains a run, not a study; choose another --out")
    if not resume and folder.exists() and any(folder.iterdir()):
        raise PipelineError(f"{folder}: is not empty; continue its study with --resume, or choose another --out")
    again = "To continue, run: " + shlex.join(["sparq", "study", str(study), "--out", str(folder), "--resume"])
    with interruptible(console, drain, hook_limit, again) as interrupted, faults.told(folder, Path.is_dir, again):
        done = _conducted(console, planned, folder, interrupted)
        _tell_outcome(console, planned, folder, as_json)
    if not done:
        console.print(plain(f"Interrupted. {again}", "yellow"), soft_wrap=True)
        raise SystemExit(exit_code(INTERRUPTED))
    raise SystemExit(0)


def _tell_outcome(console: Console, planned: Plan, folder: Path, as_json: bool) -> None:
    results, files = _written(planned, folder)
    _tell_results(console, results, as_json)
    console.print(plain(f"in {folder}: {', '.join(path.name for path in files)}"), soft_wrap=True)


def _written(planned: Plan, folder: Path) -> tuple[Results, list[Path]]:
    """What the finished cells came to, and the files that tell it."""
    results = results_of(planned, folder)
    return results, [*tables.write(results, folder), *plots.write(planned.study, results, folder)]


def _check_ready(planned: Plan) -> None:
    if any(finding.level == "error" for finding in planned.findings):
        raise PipelineError("nothing was run because of the errors above; --dry-run still prints the cost")
    missing = [name for name in ("scipy", "matplotlib") if not find_spec(name)]
    if missing:
        raise PipelineError(f"sparq study needs {' and '.join(missing)}: pip install 'sparq-engine[study]'")


def _conducted(console: Console, planned: Plan, folder: Path, interrupted: Callable[[], bool]) -> bool:
    """Whether all cells are through; where one fails, the tables hold those before it."""
    make_folder(folder)
    lock = Lock(folder)
    try:
        return Conductor(planned, folder, partial(_watched, console), interrupted).go()
    except PipelineError:
        raise
    except SparqError:
        with suppress(SparqError):
            _written(planned, folder)
        raise
    finally:
        lock.release()


@contextmanager
def _watched(console: Console, title: str) -> Iterator[Observer]:
    console.print(plain(f"── {title}", "bold"))
    with progress(console) as observer:
        yield observer


def _tell_plan(console: Console, planned: Plan, folder: Path, as_json: bool) -> None:
    expected = estimate.of(planned, folder)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(expected), indent=2))
        return
    table = _table("run", "arms", "steps", "attempts, at most", "state")
    for run in expected.runs:
        table.add_row(plain(run.name), plain(run.arms), f"{run.steps:,}", f"{run.attempts:,}", run.state)
    console.print(plain(f"Study {planned.study.name}", "bold"))
    console.print(table)
    console.print(plain(expected.told), soft_wrap=True)


def _tell_results(console: Console, results: Results, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(results), indent=2))
        return
    console.print(plain(f"Study {results.study}: {results.done} of {results.cells} cells", "bold"))
    if results.means:
        console.print("\nScore, % (95% interval over seeds and items)", style="bold", highlight=False)
        console.print(_scores(results.means))
    if n := len(results.differences):
        told = f"\nDifferences (each with its own 95% interval; coloured if the joint interval of all {n} excludes 0)"
        console.print(told, style="bold", highlight=False)
        console.print(_differences(results.differences))
    for note in results.notes:
        console.print(plain(f"warning: {note}", "yellow"), soft_wrap=True)


def _scores(means: Sequence[Mean]) -> Table:
    table = _table("arm", "task", "seeds", "before", "after")
    before, after = ({(m.arm, m.task): m for m in means if (m.stage != BASE) == trained} for trained in (False, True))
    for arm, task in dict.fromkeys([*before, *after]):
        seeds = (after.get((arm, task)) or before[arm, task]).seeds
        scores = [_score(found.get((arm, task))) for found in (before, after)]
        table.add_row(plain(arm), plain(task), str(seeds), *scores)
    return table


def _score(mean: Mean | None) -> str:
    return f"{100 * mean.mean:.1f} ({100 * mean.low:.1f} to {100 * mean.high:.1f})" if mean else ""


def _differences(differences: Sequence[Difference]) -> Table:
    table = _table("arm", "against", "task", "difference", "p")
    for d in differences:
        table.add_row(plain(d.arm), plain(d.against), plain(d.task), _coloured(d), f"{d.p_holm:.2g}" if d.low else "")
    return table


def _coloured(d: Difference) -> str:
    scale, digits = (1, ",.4g") if d.measure else (100, ".1f")
    told = f"{round(scale * d.difference, 6) + 0:+{digits}}"
    if d.low is None or d.high is None or d.low_of_all is None or d.high_of_all is None:
        return told
    colour = "green" if d.low_of_all > 0 else "red" if d.high_of_all < 0 else "default"
    return f"[{colour}]{told} ± {scale * (d.high - d.low) / 2:{digits}}[/]"


def _table(*names: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1))
    for name in names:
        folds = name in {"arms", "arm", "against", "task"}
        texts = folds or name in {"run", "state"}
        table.add_column(name, justify="left" if texts else "right", no_wrap=not folds, overflow="fold")
    return table
