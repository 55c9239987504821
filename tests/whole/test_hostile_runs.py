"""Runs whose models and plugins say all the texts of `hostile_texts`: they end, add up, resume alike and are shown inert."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hostile_texts import TEXTS, acting
from rich.console import Console
from runs import Interrupter, digest, exported

import sparq_core as sparq
from sparq_core.cli import cli
from sparq_core.cli.live import LiveProgress
from sparq_core.cli.progress import PlainProgress
from sparq_core.contract.texts import LONGEST_TEXT
from sparq_core.ledger.conservation import check_conservation
from sparq_core.loop import session
from sparq_core.pipeline import prepare
from sparq_core.testing import Ran, run_pipeline

MODEL = """
import json
from pathlib import Path
import sparq_core as sparq
TEXTS = list(json.loads(Path(__file__).with_name("texts.json").read_text()).values())


class Sampler:
    deterministic, digest, slots = True, "hostile", None

    def sample(self, requests):
        return [[self._complete(request, j) for j in range(request.n)] for request in requests]

    def close(self):
        pass

    def _complete(self, request, j):
        text = TEXTS[(request.seed + j) % len(TEXTS)]
        prompt = request.messages[-1].content
        if "Write a novel" in prompt and request.seed % 3:
            text = f"<problem>{request.seed} {text}</problem><solution>{text} \\\\boxed{{{text[:200]}}}</solution>"
        if "<skills>" in prompt and request.seed % 2:
            text = f"<skills>{text}, {text}, one</skills>"
        return sparq.Completion(text=text, finish="stop", tokens=3)


class Model:
    @sparq.hookimpl
    def sampler(self):
        return Sampler()


class Loud:
    describes = ("tag", "tags")

    @sparq.hookimpl
    def screen(self, children):
        return [TEXTS[hash_(c) % len(TEXTS)] or None if hash_(c) % 5 == 0 else None for c in children]

    @sparq.hookimpl
    def verify(self, trials):
        return [self._verdict(trial) for trial in trials]

    def _verdict(self, trial):
        text = TEXTS[trial.attempt.seed % len(TEXTS)]
        value = "correct" if trial.attempt.k == 0 else "incorrect"
        return sparq.Verdict(value=value, reason=text, answer=text)

    @sparq.hookimpl
    def describe(self, cases):
        return [{"tag": TEXTS[hash_(c.problem) % len(TEXTS)], "tags": TEXTS[-3:]} for c in cases]

    @sparq.hookimpl
    def commit(self, step):
        return {text or "none": 1.0 for text in TEXTS}

    @sparq.hookimpl
    def benchmark(self):
        return [sparq.Score(task=text, item="1", value=1.0) for text in TEXTS]


def hash_(problem):
    return len(problem.statement) + int(problem.id.rpartition(".")[2])
"""
BATCH = len(TEXTS)


@pytest.fixture
def pipeline(tmp_path: Path) -> dict[str, Any]:
    """A pipeline whose model and whose plugin `Loud` say all texts, in every place there is for a text."""
    (tmp_path / "texts.json").write_text(json.dumps(TEXTS))
    (tmp_path / "loud.py").write_text(MODEL)
    seeds = [{"problem": f"What is {i} + 1? {text}", "answer": text} for i, text in enumerate(TEXTS.values())]
    (tmp_path / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in seeds))
    cast: list[dict[str, Any]] = [
        {"use": "jsonl-seeds", "with": {"path": "seeds.jsonl"}},
        *({"use": name} for name in ("static-uniform", "mutate", "duplicates", "lengths", "judge", "./loud.py:Loud")),
        *({"use": name} for name in ("sympy", "band", "skills", "curate-band")),
    ]
    cast[4]["with"] = {"max_characters": 10**6, "max_answer_characters": 10**6}
    return {
        "name": "hostile",
        "seed": 1,
        "steps": 3,
        "batch": BATCH,
        "in_flight": 2,
        "models": {"student": {"use": "./loud.py:Model", "model": "m"}},
        "attempts": {"k": 2},
        "plugins": cast,
    }


def test_a_run_of_hostile_texts_ends_adds_up_and_resumes_alike(pipeline: dict[str, Any], tmp_path: Path) -> None:
    whole = run_pipeline(pipeline, tmp_path)
    assert whole.ending.reason == "done"
    with whole.read() as ledger:
        check_conservation(ledger, ledger.tally())
        assert ledger.tally().children == 3 * BATCH
        assert min(ledger.tally().outcomes.get(name, 0) for name in ("kept", "rejected")) > 0
    interrupter = Interrupter(after=2)
    loaded = prepare.load(tmp_path / "pipeline.yaml")
    ending = session.execute(loaded, tmp_path / "cut", False, [interrupter], interrupter.asked, False)
    assert ending.exit_code == 4
    session.execute(prepare.load(tmp_path / "pipeline.yaml"), tmp_path / "cut", True, [], lambda: False, False)
    cut = Ran(ending, tmp_path / "cut")
    assert digest(cut) == digest(whole)
    assert exported(cut) == exported(whole)


def test_what_commands_show_of_it_is_inert(pipeline: dict[str, Any], tmp_path: Path) -> None:
    ran = run_pipeline(pipeline, tmp_path)
    shown = [*commands(ran), ["preview", str(tmp_path / "pipeline.yaml")], ["check", str(tmp_path / "pipeline.yaml")]]
    for command in shown:
        done = CliRunner().invoke(cli, command)
        assert done.exit_code == 0, (command, done.exception)
        assert not acting(done.output), command
        assert len(done.output) < 500_000


def commands(ran: Ran) -> list[list[str]]:
    folder = str(ran.folder)
    with ran.read() as ledger:
        (first,) = ledger.query("SELECT group_concat(id, ' ') FROM problem WHERE child % 3 = 0")
    return [
        *(["show", folder, id_] for id_ in first[0].split()),
        ["show", folder, "--limit", "1000"],
        ["show", folder, "--round", "0", "--json"],
        ["diff", folder, folder],
        ["status", folder],
        ["status", folder, "--json"],
        ["export", folder],
        ["curate", folder],
        ["rebin", folder],
        ["regrade", folder],
        ["doctor", folder],
    ]


@pytest.mark.parametrize("terminal", [True, False])
def test_what_a_run_shows_while_it_works_is_inert(pipeline: dict[str, Any], tmp_path: Path, terminal: bool) -> None:
    ran = run_pipeline(pipeline, tmp_path)
    out = io.StringIO()
    console, beside = (Console(file=out, force_terminal=terminal, width=100) for _ in range(2))
    events = [
        *ran.events,
        *(sparq.Warned(text) for text in TEXTS.values()),
        *(sparq.PhaseFinished(1, "curate", text, 1.0) for text in TEXTS.values()),
        *(sparq.RunStarted(text, Path(text), False, 1, 1, sparq.Tally()) for text in TEXTS.values()),
    ]
    if terminal:
        with LiveProgress(console) as live:
            for event in events:
                live(event)
                beside.print(live._render())
    else:
        for event in events:
            PlainProgress(console)(event)
    ours = ("\x1b[?25l", "\x1b[?25h", "\x1b[2K", "\x1b[1A", "\r")
    printed = out.getvalue()
    for sequence in ours:
        printed = printed.replace(sequence, "")
    assert not acting(printed)


@pytest.mark.parametrize("name", ["[/]", "[bold]", "a\x1b[2Jb", "x\u202ey", "new\nline"])
def test_folders_may_have_any_name(sums: Callable[..., Any], tmp_path: Path, name: str) -> None:
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text(yaml.safe_dump(sums(steps=1, batch=2, attempts={"k": 2})))
    folder = str(tmp_path / name)
    for command in (
        ["run", str(pipeline), "--out", folder],
        ["status", folder],
        ["show", folder, "1.1.0"],
        ["export", folder],
    ):
        done = CliRunner().invoke(cli, command)
        assert done.exit_code == 0, (command, done.exception)
        assert not acting(done.output)


def test_an_error_of_a_plugin_is_shown_inert(
    pipeline: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sparq_core.cli import main

    broken = MODEL.replace(
        "def commit(self, step):", "def commit(self, step):\n        raise RuntimeError(''.join(TEXTS))"
    )
    (tmp_path / "loud.py").write_text(broken)
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
    monkeypatch.setattr("sys.argv", ["sparq", "run", str(tmp_path / "pipeline.yaml"), "--out", str(tmp_path / "run")])
    with pytest.raises(SystemExit, match="1"):
        main()
    told = capfd.readouterr()
    assert "hook `commit`" in told.err
    assert not acting(told.err + told.out)


def test_a_text_beyond_all_bounds_is_cut_and_truncated(pipeline: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "texts.json").write_text(json.dumps({"long": "x" * LONGEST_TEXT + "\\boxed{1}"}))
    pipeline["plugins"] = [plugin for plugin in pipeline["plugins"] if plugin["use"] != "./loud.py:Loud"]
    ran = run_pipeline({**pipeline, "steps": 1, "batch": 3, "attempts": {"k": 2, "seeds": True}}, tmp_path)
    with ran.read() as ledger:
        (attempt, *_) = ledger.judged("0.1.0")
        assert (len(attempt.attempt.text), attempt.attempt.finish) == (LONGEST_TEXT, "length")
        assert (attempt.verdict.value, attempt.verdict.reason) == ("unknown", "truncated")
        reasons = {why for (why,) in ledger.query("SELECT rejected_why FROM problem WHERE round = 1")}
        assert reasons <= {"cut at max_tokens", "duplicate", "near duplicate"}
