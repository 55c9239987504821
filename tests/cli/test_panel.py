"""The panel of a run at work: it fits every terminal, tells what the ledger has, and ends no run."""

import io
from pathlib import Path

import pytest
from rich.console import Console

import sparq_core as sparq
from sparq_core.cli import live
from sparq_core.cli.following import Followed
from sparq_core.cli.live import LiveProgress
from sparq_core.cli.panel import LONGEST, View, panel
from sparq_core.ledger import course, spread
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.storage import DATABASE

SIZES = [
    (1, 1),
    (2, 1),
    (3, 2),
    (10, 3),
    (20, 5),
    (30, 8),
    (60, 12),
    (80, 24),
    (99, 9),
    (100, 4),
    (120, 40),
    (400, 100),
]


@pytest.fixture
def view(run_folder: Path) -> View:
    with Reader.open(run_folder) as ledger:
        view = View(name="sums", doing="round 1", tally=ledger.tally(), metrics=ledger.step_row(1, 8).metrics)
    view.pace.restart(0, 16, 0)
    view.pace.step = 8
    view.warned = ["one", "another"]
    Followed().look(run_folder, view)
    return view


def drawn(view: View, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=False)
    console.print(panel(view, width, height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("begun", [True, False])
def test_it_fits_in_any_terminal(view: View, size: tuple[int, int], begun: bool) -> None:
    lines = drawn(view if begun else View(), *size)
    assert len(lines) <= max(1, size[1] - 1)
    assert max(map(len, lines)) <= size[0]


def test_it_shows_the_funnel_the_latest_kept_problem_the_money_and_the_warnings(view: View, run_folder: Path) -> None:
    told = "\n".join(drawn(view, 120, 30))
    with Reader.open(run_folder) as ledger:
        kept = [solved.child for solved in ledger.solved() if not solved.child.problem.is_seed]
        assert f"{len(kept):,} kept" in told
        assert f"latest kept {kept[-1].problem.id} " in told
        assert kept[-1].problem.statement in told
    for part in ("8/16", "sampled tokens", "⚠ another (and 1 before it)", "QD-score", "solve rates of"):
        assert part in told


def test_the_histogram_is_that_of_the_ledger_read_at_once_or_as_it_grows(view: View, run_folder: Path) -> None:
    with Reader.open(run_folder) as ledger:
        counts = [0] * 9
        for solved in spread.solve_rates(ledger, 8):
            counts[solved.place] += solved.children
        grown = [0] * 9
        for step in range(8):
            made = [each for each in course.made_since(ledger, 1, step, LONGEST) if each.step == step + 1]
            for each in made:
                if each.solve_rate is not None:
                    grown[round(8 * each.solve_rate)] += 1
    assert view.solved == counts == grown


def test_a_ledger_that_cannot_be_read_is_not_shown_and_ends_nothing(view: View, tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"no ledger" * 1000)
    shown = View(tally=view.tally)
    Followed().look(tmp_path, shown)
    assert not shown.solved
    assert drawn(shown, 80, 24)


def test_a_terminal_that_changes_its_size_is_cleared_and_drawn_anew(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "OFTEN", 0.0)
    monkeypatch.setattr(live, "REST", 0.0)
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, height=20)
    with Reader.open(run_folder) as ledger, LiveProgress(console) as progress:
        progress(sparq.RunStarted("sums", run_folder, False, 1, 8, ledger.tally()))
        progress(sparq.RoundStarted(1, 0))
        for width, height in ((30, 5), (1, 1), (200, 50)):
            cleared = out.getvalue().count("\x1b[2J")
            console.size = (width, height)
            while out.getvalue().count("\x1b[2J") == cleared:
                pass
    assert "\x1b[?25h" in out.getvalue()
