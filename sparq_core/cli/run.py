"""`sparq run`: a pipeline run to its end, its interruption or its failure."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from sparq_core.cli import faults, status
from sparq_core.cli.arguments import DEBUG, DRAIN, FOLDERS, HOOK_LIMIT, PIPELINE, SET
from sparq_core.cli.watching import interruptible, progress
from sparq_core.cli.wording import plain
from sparq_core.contract.config import Pipeline
from sparq_core.contract.errors import PipelineError, PluginError, SparqError
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.storage import DATABASE
from sparq_core.loop import session
from sparq_core.loop.rounds import Ending
from sparq_core.loop.stops import INTERRUPTED
from sparq_core.pipeline import prepare

OVER_BUDGET = 3


def next_steps(
    console: Console, ledger: Reader, folder: Path, given: Sequence[str], pipeline: Pipeline, ending: Ending
) -> None:
    """How the run ended, and what to try next; `given` are the pipeline and the settings that the command was given."""
    if ending.reason == INTERRUPTED:
        console.print(plain(f"Interrupted. To continue, run: {_again(given, folder)}", "yellow"), soft_wrap=True)
        return
    if ending.exit_code == OVER_BUDGET:
        raised = _again_with(given, folder, ending.reason.split()[0], "…")
        told = f"Stopped: {ending.reason}. The steps in flight were finished and kept. To continue, raise the budget: {raised}"
        console.print(plain(told, "yellow"), soft_wrap=True)
    kept = next((s.child.problem.id for s in ledger.solved() if not s.child.problem.is_seed), None)
    if kept is None and pipeline.rounds:
        console.print("Next:", style="bold")
        console.print(plain(f"  sparq show {folder}   # the problems, and why none was kept"), soft_wrap=True)
        return
    trained = (folder / "models").exists() and pipeline.rounds > 0
    steps = [(f"sparq show {folder} {kept}", "one problem with its attempts")] if kept else []
    steps.append((f"sparq export {folder} --format parquet", "the dataset"))
    if trained or not pipeline.rounds:
        rounds = 1 + max(pipeline.rounds, ledger.last_round())
        what = "another round" + ", starting from the trained model" * trained
        steps.append((_again_with(given, folder, "rounds", rounds), what))
    elif ending.exit_code != OVER_BUDGET:
        steps.append((_again_with(given, folder, "steps", 2 * ledger.steps_of(1)), "twice as many problems"))
    console.print("Next:", style="bold")
    for command, what in steps:
        console.print(plain(f"  {command}   # {what}"), soft_wrap=True)


@click.command()
@PIPELINE
@SET
@DEBUG
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Run folder [default: runs/NAME].")
@click.option("--resume", is_flag=True, help="Continue the run in the run folder, or start it if there is none.")
@click.option(
    "--accept-changes",
    is_flag=True,
    help="With --resume: accept changed plugins and templates from here on.",
)
@DRAIN
@HOOK_LIMIT
def run(
    pipeline: Path,
    overrides: tuple[str, ...],
    out: Path | None,
    resume: bool,
    accept_changes: bool | None,
    drain: float,
    hook_limit: float | None,
) -> None:
    """
    Run PIPELINE: seeds, rounds of generation, training, benchmarks.

    Ctrl-C finishes and commits the steps in flight, then stops. A second one stops at once. In both cases, `--resume` continues
    the run. SIGTERM, SIGHUP and SIGUSR1 have the same effect.

    Exit codes: 0 done, 1 failed, 2 bad pipeline, 3 stopped by a budget, 4 interrupted or refused by the machine, 5 locked by
    another run, 130 stopped at once by a second Ctrl-C.
    """
    console = Console()
    loaded = prepare.load(pipeline, overrides)
    folder = out or Path("runs") / loaded.run.pipeline.name
    click.get_current_context().meta[FOLDERS] = (folder,)
    given = (str(pipeline), *_sets(overrides))
    with interruptible(console, drain, hook_limit, f"To continue, run: {_again(given, folder)}") as interrupted:
        with _hinting(folder), progress(console) as observer:
            ending = session.execute(loaded, folder, resume, [observer], interrupted, accept_changes)
        with Reader.open(folder) as ledger:
            status.tell(console, ledger, folder)
            next_steps(console, ledger, folder, given, loaded.run.pipeline, ending)
    raise SystemExit(ending.exit_code)


def _again(given: Sequence[str], folder: Path) -> str:
    return shlex.join(["sparq", "run", *given, "--out", str(folder), "--resume"])


def _again_with(given: Sequence[str], folder: Path, name: str, value: object) -> str:
    """The same with another setting, in place of one of its name that was given."""
    pipeline, *sets = given
    kept = [o for o in sets[1::2] if o.partition("=")[0] != name]
    return f"{_again((pipeline, *_sets(kept)), folder)} --set {name}={value}"


def _sets(overrides: Sequence[str]) -> Iterator[str]:
    """The overrides of this command, so that the next one can repeat them."""
    for override in overrides:
        yield from ("--set", override)


@contextmanager
def _hinting(folder: Path) -> Iterator[None]:
    """What a failed run leaves behind is worth a word; user errors that wrote nothing are not."""
    try:
        with faults.told(folder, lambda of: (of / DATABASE).exists(), "Continue with `--resume`"):
            yield
    except Exception as error:
        if not isinstance(error, SparqError) or error.exit_code == SparqError.exit_code:
            may = isinstance(error, (PluginError, PipelineError))
            changed = "; add --accept-changes if you fixed a plugin file or a template" * may
            error.add_note(f"committed steps are in {folder}; continue with `--resume`{changed}")
        raise
