"""`sparq audit`: what was planted is found, whatever happens on the way, and the run stays as it was."""

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
import pytest
from audit_world import make_world, planted
from runs import rows, sparq_command

import sparq_core as sparq
from sparq_core import Counts
from sparq_core.audit import Audit, Sample, audit
from sparq_core.ledger.validity import Stratum, overall
from sparq_core.testing import Ran, run_pipeline

STEPS = 10
QUESTION = "{{ problem.statement }}"
SECOND = ["solutions=7", f"prompt='{QUESTION}'"]
SOLVER = "{use: ./world.py:Solver, model: solver}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run of 2,560 problems."""
    return make_world(tmp_path_factory.mktemp("world"), steps=40)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run of 640 problems."""
    return make_world(tmp_path_factory.mktemp("small"), steps=STEPS)


def at_home(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call from where `world.py` is."""
    monkeypatch.chdir(ran.folder.parent)


def truth_of(ran: Ran, done: Audit) -> dict[str, float]:
    """The share of valid problems in each bin of the whole run, and in all."""
    valid, in_bin = planted(ran), dict[str, list[bool]]()
    with ran.read() as ledger:
        for solved in ledger.solved([1], outcome=None):
            rate = solved.child.solve_rate
            assert rate is not None
            name = "0" if rate == 0 else "1" if rate == 1 else next(b for b, high in CUTS if rate <= high)
            in_bin.setdefault(name, []).append(valid[solved.child.problem.id])
    assert {name: len(found) for name, found in in_bin.items()} == {s.bin: s.problems for s in done.strata}
    return {name: fmean(found) for name, found in in_bin.items()} | {"all": fmean(valid.values())}


CUTS = [("(0, 0.25]", 0.25), ("(0.25, 0.5]", 0.5), ("(0.5, 0.75]", 0.75), ("(0.75, 1)", 1.0)]


def misses(ran: Ran, done: Audit) -> int:
    """How many intervals do not hold what was planted, of one for each of six bins and one for all."""
    truth = truth_of(ran, done)
    found = {stratum.bin: stratum.validity for stratum in done.strata} | {"all": done.overall.validity}
    assert len(found) == 7
    return sum(interval is None or not interval.low <= truth[name] <= interval.high for name, interval in found.items())


def test_a_solver_that_slips_recovers_what_was_planted(world: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(world, monkeypatch)
    done = audit(world.folder, Sample(per_bin=150), "second-opinion", SECOND, SOLVER)
    assert misses(world, done) == 0
    shares = [stratum.validity.mean for stratum in done.strata if stratum.validity]
    assert shares == sorted(shares)
    assert shares[0] < 0.4
    assert shares[-1] > 0.95
    found = {row["id"]: row for row in rows(done.path)}
    assert len(found) == done.asked > 890
    valid = planted(world)
    assert all(row["verdict"] == ("valid" if valid[id_] else "invalid") for id_, row in found.items() if row["answer"])
    assert sum(row["verdict"] == "unknown" for row in found.values()) < 9


def test_intervals_hold_what_was_planted_as_often_as_they_say(world: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(world, monkeypatch)
    seeds = 20
    done = [audit(world.folder, Sample(per_bin=40, seed=seed), "./world.py:Rules", [], None) for seed in range(seeds)]
    assert len({one.path for one in done}) == seeds
    assert sum(misses(world, one) for one in done) <= 0.08 * 7 * seeds
    widths = [one.overall.validity.high - one.overall.validity.low for one in done if one.overall.validity]
    assert max(widths) < 0.15


def test_a_whole_run_gives_exactly_what_was_planted(world: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(world, monkeypatch)
    done = audit(world.folder, Sample(per_bin=10_000), "./world.py:Rules", [], None)
    truth = truth_of(world, done)
    assert {s.bin: s.validity.mean for s in done.strata if s.validity} == {b: truth[b] for b in truth if b != "all"}
    assert done.overall.validity is not None
    assert done.overall.validity.mean == pytest.approx(truth["all"])
    assert done.overall.covered == done.overall.problems == done.asked == 40 * 64


def test_each_bin_weighs_as_many_problems_as_it_has() -> None:
    many, few = Stratum("0", 900, Counts(2, 8, 0)), Stratum("1", 100, Counts(9, 1, 0))
    told = overall([many, few, Stratum("unresolved", 50, Counts(0, 0, 7))])
    assert told.validity is not None
    assert told.validity.mean == pytest.approx(0.9 * 0.2 + 0.1 * 0.9)
    assert (told.covered, told.problems) == (1000, 1050)
    alone = overall([many]).validity
    assert alone == many.validity
    assert alone is not None
    assert told.validity.high - told.validity.low < alone.high - alone.low


def test_unknown_is_not_invalid(tmp_path: Path) -> None:
    ran = make_world(tmp_path, steps=5)
    (tmp_path / "half.py").write_text(
        "import sparq_core as sparq\nclass Half:\n    @sparq.hookimpl\n    def audit(self, problems):\n"
        "        hard = ['at 0.0?' in p.statement or 'at 0.15?' in p.statement for p in problems]\n"
        "        return [None if one else sparq.Verdict(value='correct') for one in hard]\n"
    )
    told = sparq_command("audit", str(ran.folder), "--use", f"{tmp_path}/half.py:Half", "--per-bin", "20", "--json")
    facts = json.loads(told)
    none, *others = facts["bins"]
    assert (none["bin"], none["valid"], none["unknown"], none["validity"]) == ("0", 0, 20, None)
    assert all(one["validity"] == 1.0 for one in others)
    whole = facts["overall"]
    assert whole["problems"] - whole["covered"] == none["problems"]
    assert whole["unknown"] == sum(one["unknown"] for one in facts["bins"]) > 20
    assert whole["validity"] == 1.0 == whole["if_unknown_valid"]
    known = [one for one in others if one["audited"]]
    assert whole["if_unknown_invalid"] == pytest.approx(
        sum(one["problems"] * one["valid"] / one["audited"] for one in known) / whole["covered"]
    )


@pytest.mark.parametrize(("outcome", "kept"), [("kept", True), ("out-of-band", False)])
def test_problems_of_one_outcome(small: Ran, monkeypatch: pytest.MonkeyPatch, outcome: Any, kept: bool) -> None:
    at_home(small, monkeypatch)
    done = audit(small.folder, Sample(outcomes=(outcome,), per_bin=30), "./world.py:Rules", [], None)
    assert {row["outcome"] for row in rows(done.path)} == {outcome}
    assert {"0", "1"} & {stratum.bin for stratum in done.strata} == (set() if kept else {"0", "1"})
    assert set(done.left_out) == {"out-of-band" if kept else "kept"}


def test_what_has_no_rate_has_a_bin_of_its_own(tmp_path: Path, sums: Callable[..., Any]) -> None:
    (tmp_path / "any.py").write_text(
        "import sparq_core as sparq\nclass Any:\n    @sparq.hookimpl\n    def audit(self, problems):\n"
        "        return [sparq.Verdict(value='correct') for _ in problems]\n"
    )
    ran = run_pipeline(sums(attempts={"k": 8, "max_tokens": 4, "min_decided": 0.99}), tmp_path)
    use = f"{tmp_path}/any.py:Any"
    done = audit(ran.folder, Sample(), use, [], None)
    assert {stratum.bin for stratum in done.strata} == {"unresolved"}
    assert done.left_out["rejected"] == ran.ending.tally.outcomes["rejected"]
    assert [s.bin for s in audit(ran.folder, Sample(round=0), use, [], None).strata] == ["not attempted"]


def test_the_run_stays_as_it_was(small: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(small, monkeypatch)
    before = {p: p.read_bytes() for p in small.folder.rglob("*") if p.is_file() and "audit" not in p.parts}
    audit(small.folder, Sample(), "second-opinion", SECOND, SOLVER)
    after = {p: p.read_bytes() for p in small.folder.rglob("*") if p.is_file() and "audit" not in p.parts}
    assert before == {path: after[path] for path in before}
    assert {path.name for path in after.keys() - before.keys()} <= {"sparq.db-wal", "sparq.db-shm"}


# -- killed, and faults ------------------------------------------------------------------------------------------------

SLOW = ["--option", "solutions=1", "--option", f"prompt='{QUESTION}'", "--model", "{use: ./world.py:Slow, model: slow}"]


def start(folder: Path, **how: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "sparq_core.cli", "audit", "run", *SLOW]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)


def findings(folder: Path) -> Path:
    return folder / "run" / "audit" / "audit-1.jsonl"


@pytest.fixture
def whole(small: Ran, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The findings of an audit that nothing happened to."""
    at_home(small, monkeypatch)
    settings, model = [SLOW[1], SLOW[3]], SLOW[5]
    return audit(small.folder, Sample(), "second-opinion", settings, model).path.read_bytes()


def test_killed_at_random_moments_it_asks_nothing_twice(tmp_path: Path, whole: bytes) -> None:
    make_world(tmp_path, steps=STEPS)
    rng, size = sparq.generator("kills"), 0
    for _ in range(4):
        process = start(tmp_path)
        while not findings(tmp_path).exists() or findings(tmp_path).stat().st_size <= size:
            time.sleep(0.005)
        time.sleep(0.05 * rng.random())
        process.kill()
        _, errors = process.communicate()
        assert (process.returncode, errors) == (-signal.SIGKILL, "")
        assert whole.startswith(findings(tmp_path).read_bytes())
        with findings(tmp_path).open("ab") as file:
            size = file.write(b'{"id":"1.1.0","bi') + file.tell()
    final = start(tmp_path)
    _, errors = final.communicate()
    assert final.returncode == 0, errors
    assert findings(tmp_path).read_bytes() == whole
    assert {path.name for path in (tmp_path / "run" / "audit").iterdir()} == {".lock", "audit-1.json", "audit-1.jsonl"}


def test_what_is_found_is_not_asked_again(tmp_path: Path, whole: bytes) -> None:
    make_world(tmp_path, steps=STEPS)
    lines = whole.splitlines(keepends=True)
    (tmp_path / "broken").touch()
    process = start(tmp_path)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "ConnectionError: the server is gone" in errors
    assert "plugin 'models.auditor'" in errors
    (tmp_path / "broken").unlink()
    findings(tmp_path).write_bytes(b"".join(lines[:100]) + lines[100][:30])
    assert start(tmp_path).communicate()[1] == ""
    asked = (tmp_path / "asked.txt").read_text().splitlines()
    assert len(asked) == len(lines) - 100
    assert findings(tmp_path).read_bytes().splitlines(keepends=True)[:100] == lines[:100]
    assert {row["id"] for row in rows(findings(tmp_path))} == {msgspec.json.decode(line)["id"] for line in lines}
    told, _ = start(tmp_path).communicate()
    assert "all " in told
    assert (tmp_path / "asked.txt").read_text().splitlines() == asked


LIMIT = 34_000
"""Bytes that a file may have: enough for SQLite to read, too few for the findings."""


def test_a_full_disk_is_said_and_gone_on_from(tmp_path: Path, whole: bytes) -> None:
    make_world(tmp_path, steps=STEPS)

    def few_bytes() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))

    process = start(tmp_path, preexec_fn=few_bytes)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "audit-1.jsonl: cannot be written: File too large; once it can, run the same command to continue" in errors
    assert "Traceback" not in errors
    assert findings(tmp_path).stat().st_size == LIMIT
    start(tmp_path).communicate()
    assert len(rows(findings(tmp_path))) == len(whole.splitlines())


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    make_world(tmp_path, steps=STEPS)
    (tmp_path / "hold").touch()
    first = start(tmp_path)
    while not findings(tmp_path).exists():
        time.sleep(0.01)
    second = start(tmp_path)
    _, errors = second.communicate()
    (tmp_path / "hold").unlink()
    first.communicate()
    assert first.returncode == 0
    assert (second.returncode, "is being audited by another process" in errors) == (5, True)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches what the test starts, also where the tests themselves run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_is_told_how_to_go_on(tmp_path: Path, whole: bytes) -> None:
    make_world(tmp_path, steps=STEPS)
    process = start(tmp_path)
    while not findings(tmp_path).exists() or not findings(tmp_path).stat().st_size:
        time.sleep(0.005)
    (tmp_path / "hold").touch()
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (
        4,
        "interrupted: findings so far are kept; run the same command to continue\n",
    )
    (tmp_path / "hold").unlink()
    start(tmp_path).communicate()
    assert findings(tmp_path).read_bytes() == whole


def test_another_question_has_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = make_world(tmp_path, steps=2)
    at_home(ran, monkeypatch)

    def path(**sample: Any) -> str:
        return audit(ran.folder, Sample(**sample), "./world.py:Rules", [], None).path.name

    assert [path(), path(seed=1), path(), path(seed=1), path(per_bin=5)] == [
        f"audit-{n}.jsonl" for n in (1, 2, 1, 2, 3)
    ]
    with Path("world.py").open("a") as file:
        file.write("# other rules\n")
    assert path() == "audit-4.jsonl"
    make = ran.folder.parent / "pipeline.yaml"
    sparq_command("run", str(make), "--set", "steps=3", "--out", str(ran.folder), "--resume", "--accept-changes")
    assert path() == "audit-5.jsonl"


def test_a_line_that_is_no_finding_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = make_world(tmp_path, steps=1)
    at_home(ran, monkeypatch)
    done = audit(ran.folder, Sample(), "./world.py:Rules", [], None)
    lines = done.path.read_text().splitlines(keepends=True)
    done.path.write_text("".join([lines[0], "{}\n", *lines[2:]]))
    with pytest.raises(sparq.PipelineError, match=r"audit-1\.jsonl, line 2: is not a finding: .*delete that line"):
        audit(ran.folder, Sample(), "./world.py:Rules", [], None)
    done.path.write_text("".join([lines[0], *lines[2:]]))
    assert audit(ran.folder, Sample(), "./world.py:Rules", [], None).asked == 1
    assert sorted(done.path.read_text().splitlines(keepends=True)) == sorted(lines)


# -- auditors ----------------------------------------------------------------------------------------------------------


def opinion(tmp_path: Path, sums: Callable[..., Any], answers: list[str], *settings: str) -> dict[str, Any]:
    """What `second-opinion` says of a seed whose reference is 1/2, where a model answers one of these."""
    (tmp_path / "seeds.jsonl").write_text('{"problem": "What is a half of one?", "answer": "1/2"}\n')
    pipeline = sums(steps=1)
    pipeline["models"]["second"] = {"use": "scripted", "model": "second", "with": {"answers": {"half": answers}}}
    pipeline["roles"] = dict.fromkeys(("generator", "solver", "labeller"), "student")
    ran = run_pipeline(pipeline, tmp_path)
    (row,) = rows(audit(ran.folder, Sample(round=0), "second-opinion", settings, "second").path)
    return dict(row)


def test_most_solutions_give_the_reference_however_they_write_it(tmp_path: Path, sums: Callable[..., Any]) -> None:
    row = opinion(tmp_path, sums, [r"\boxed{0.5}", r"\boxed{\frac{1}{2}}"])
    assert (row["verdict"], row["reason"], row["answer"]) == ("valid", "5 of 5 give the reference", "1/2")


def test_most_solutions_give_another_answer_however_they_write_it(tmp_path: Path, sums: Callable[..., Any]) -> None:
    row = opinion(tmp_path, sums, [r"\boxed{0.25}", r"\boxed{\frac{1}{4}}"])
    assert (row["verdict"], row["reason"]) == ("invalid", "5 of 5 give another answer")


@pytest.mark.parametrize(
    ("answers", "settings"),
    [
        ([rf"\boxed{{{n}}}" for n in range(3, 90)], []),
        (["I do not know."], []),
        ([""], []),
        ([r"\boxed{0.25}", r"\boxed{1/2}"], ["agree=0.9", "solutions=9"]),
    ],
    ids=["scattered", "none", "empty", "split"],
)
def test_a_model_that_cannot_solve_it_has_no_opinion(
    tmp_path: Path, sums: Callable[..., Any], answers: list[str], settings: list[str]
) -> None:
    row = opinion(tmp_path, sums, answers, *settings)
    assert row["verdict"] == "unknown"
    assert row["reason"].startswith("no majority: ")


def test_a_judge_says_whether_problems_are_well_posed(small: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(small, monkeypatch)
    answers = "{What: [no], 'at 1.0': [yes], 'at 0.0': [perhaps]}"
    model = f"{{use: scripted, model: judge, with: {{answers: {answers}}}}}"
    done = audit(small.folder, Sample(per_bin=20), "judge", [], model)
    with small.read() as ledger:
        at = {row["id"]: ledger.child(row["id"]).problem.statement.split()[-1] for row in rows(done.path)}
    said = {"1.0?": "valid", "0.0?": "unknown"}
    assert {row["id"]: row["verdict"] for row in rows(done.path)} == {
        id_: said.get(rate, "invalid") for id_, rate in at.items()
    }
    assert set(said) < set(at.values())


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_table_fits_a_terminal(small: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(small, monkeypatch)
    monkeypatch.setenv("COLUMNS", "80")
    told = sparq_command("audit", str(small.folder), "--use", "./world.py:Rules", "--per-bin", "20").splitlines()
    assert "…" not in "".join(told)
    assert max(map(len, told[:-1])) <= 80
    assert [line.split("  ")[0] for line in told if "█" in line or "▒" in line] == [
        "0", *(name for name, _ in CUTS), "1", "all",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "asks a second model; name one of the run's by --model (student), or give one"),
        (["--model", "studnet"], "the run has no model 'studnet'; did you mean 'student'?"),
        (["--model", "{use: band, model: x}"], "--model: plugin 'band' is not a sampler; e.g. hf is one"),
        (["--model", "{usw: hf, model: x}"], "--model: unknown setting 'usw'; did you mean 'use'?"),
        (["--model", "{use: scripted, model: x, with: {a: 1}}"], "models.auditor.with: unknown setting 'a'"),
        (["--use", "./world.py:Rules", "--model", "student"], "'./world.py:Rules' asks no model; leave it out"),
        (["--use", "band"], "it does not implement 'audit'; e.g. second-opinion does"),
        (["--model", "student", "--option", "prompt=solve it"], "never uses 'problem'"),
        (["--use", "./world.py:Rules", "--bins", "0.5,0.2"], "edges must ascend and lie between 0 and 1"),
        (["--use", "./world.py:Rules", "--bins", "low,high"], "expected numbers separated by commas"),
        (["--use", "./world.py:Rules", "--outcome", "disputed"], "has no such problem to audit; it has"),
        (["--use", "./world.py:Rules", "--grading", "9"], "has no grading 9"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(
    small: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(small.folder.parent)
    before = sorted(small.folder.glob("audit/*"))
    assert message in sparq_command("audit", str(small.folder), *arguments, code=2)
    assert sorted(small.folder.glob("audit/*")) == before
