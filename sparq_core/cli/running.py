"""Commands that load a pipeline: run, check, preview."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from sparq_core.rounds import Ending
    from sparq_core.session import Observer, Session

PIPELINE = click.argument("pipeline", type=click.Path(path_type=Path))
SET = click.option("--set", "overrides", multiple=True, metavar="a.b=c", help="Change one setting; may be repeated.")


@click.command()
@PIPELINE
@SET
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Run folder [default: runs/NAME].")
@click.option("--resume", is_flag=True, help="Go on with what the run folder holds, if it holds anything.")
def run(pipeline: Path, overrides: tuple[str, ...], out: Path | None, resume: bool) -> None:
    """
    Run PIPELINE: seeds, rounds of generation, training, benchmarks.

    Ctrl-C finishes and commits the steps at work, then stops; a second one stops at once. Either way `--resume` goes on.

    Exit codes: 0 done, 1 failed, 2 bad pipeline, 3 stopped by a budget, 4 interrupted, 5 locked by another run.
    """
    from rich.console import Console

    from sparq_core import session, summary
    from sparq_core.reading import Reader

    console = Console()
    loaded = session.load(pipeline, overrides)
    folder = out or Path("runs") / loaded.run.pipeline.name
    with _interruptible(console) as interrupted, _progress(console) as observer:
        ending = _hinting(lambda: session.execute(loaded, folder, resume, [observer], interrupted), folder)
    ledger = Reader.open(folder)
    summary.show(console, ledger, folder)
    summary.next_steps(console, ledger, folder, (str(pipeline), *_sets(overrides)), ending)
    raise SystemExit(ending.exit_code)


def _sets(overrides: tuple[str, ...]) -> Iterator[str]:
    """The overrides of this command, so that the next one can repeat them."""
    for override in overrides:
        yield from ("--set", override)


def _hinting(execute: "Callable[[], Ending]", folder: Path) -> "Ending":
    """What a failed run leaves behind is worth a word; user errors that wrote nothing are not."""
    from sparq_core.errors import PipelineError, RunLockedError

    try:
        return execute()
    except (PipelineError, RunLockedError):
        raise
    except Exception as error:
        error.add_note(f"what was committed is in {folder}; `--resume` goes on from there")
        raise


@contextmanager
def _progress(console: "Console") -> "Iterator[Observer]":
    from sparq_core.progress import LiveProgress, PlainProgress

    if console.is_terminal:
        with LiveProgress(console) as live:
            yield live
    else:
        yield PlainProgress(console)


@contextmanager
def _interruptible(console: "Console") -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C or SIGTERM asks the run to drain, the second ends everything at once."""
    from sparq_core.workers import kill_all

    asked: list[int] = []

    def handle(number: int, _: object) -> None:
        if asked:
            kill_all()
            os._exit(130)
        asked.append(number)
        console.print(
            "stopping: the steps at work are finished and committed; once more to stop at once", style="yellow"
        )

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@click.command()
@PIPELINE
@SET
def check(pipeline: Path, overrides: tuple[str, ...]) -> None:
    """Check PIPELINE without spending anything: plugins, options, files, models."""
    from sparq_core import session

    loaded = session.load(pipeline, overrides)
    findings = session.check(loaded)
    for finding in findings:
        colour = {"error": "red", "warning": "yellow"}[finding.level]
        click.echo(click.style(f"{finding.level}: ", fg=colour, bold=True) + f"{finding.place}: {finding.message}")
    if any(finding.level == "error" for finding in findings):
        raise SystemExit(2)
    click.echo(_plan(loaded))


def _plan(loaded: "Session") -> str:
    pipeline = loaded.run.pipeline
    proposers = len(loaded.cast.each("propose"))
    children = pipeline.rounds * pipeline.steps * pipeline.batch * proposers
    named = [member for member in loaded.cast.members if not member.place.startswith("models.")]
    cast = ", ".join(m.name + (" (by default)" if "by default" in m.place else "") for m in named)
    attempts = pipeline.attempts
    each = attempts.k + (max(attempts.k, attempts.again) if attempts.again else 0)
    return (
        f"{click.style('ok', fg='green', bold=True)}: {pipeline.rounds} round{'s' * (pipeline.rounds > 1)} of "
        f"{pipeline.steps:,} steps of {pipeline.batch} parents: {children:,} children, at most "
        f"{children * each:,} attempts\ncast: {cast}"
    )


@click.command()
@PIPELINE
@SET
def preview(pipeline: Path, overrides: tuple[str, ...]) -> None:
    """Show the first prompts of PIPELINE and the outcome of one step; writes nothing."""
    from rich.console import Console

    from sparq_core import previewing, session

    loaded = session.load(pipeline, overrides)
    session.refuse_errors(session.check(loaded))
    previewing.show(Console(), loaded)
