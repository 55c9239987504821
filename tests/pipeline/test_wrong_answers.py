"""
Every hook, answered wrongly in every way: the run stops with plugin, hook and step, and goes on once the plugin is mended.

A good plugin answers each hook; a broken one of the same name answers as it does until step 1.2 (or, for hooks that are asked
once, at once), then wrongly. Mended, the run ends as one that was never broken.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.audit import Sample, audit
from sparq_core.ledger.conservation import check_conservation
from sparq_core.testing import run_pipeline

HEAD = """
import sys, random
import sparq_core as sparq
from sparq_core.testing import ScriptedSampler
from msgspec.structs import replace
NAN = float("nan")
"""
EVERYWHERE = {
    "raises": "raise RuntimeError('out of luck')",
    "exits": "sys.exit(0)",
    "gives up a generator": "raise GeneratorExit",
    "raises what cannot be told": "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()",
}
NUMBER, TEXT = "return 42", "return 'abc'"
NONE, FEW, MANY = "return None", "return good[:-1]", "return good + good[:1]"

GOOD = {
    "check": ("self", "return []"),
    "start": ("self, run", "self.run = run"),
    "load_seeds": (
        "self",
        "return [sparq.Draft(statement=f'What is {i} + {i + 1}?', answer=str(2 * i + 1)) for i in range(5, 9)]",
    ),
    "select": ("self, rng, n, step, pending", "return ['0.1.0', '0.1.1', '0.1.2'][:n]"),
    "propose": (
        "self, parents, rng",
        "return [sparq.Draft(statement=f'What is {rng.random()}?', answer='7', parents=(p.id,)) for p in parents]",
    ),
    "admit": ("self, children", "return [None for _ in children]"),
    "screen": ("self, children", "return [None for _ in children]"),
    "policy": ("self, run", "return Half(run.pipeline.attempts.k)"),
    "verify": ("self, trials", "return [sparq.Verdict(value='correct', reason='so', answer='7') for _ in trials]"),
    "assess": ("self, cases", "return [sparq.Assessment(outcome='kept', quality=0.5) for _ in cases]"),
    "describe": ("self, cases", "return [{'size': len(c.problem.statement)} for c in cases]"),
    "commit": ("self, step", "return {'steps': 1.0}"),
    "curate": (
        "self, ledger",
        "return [sparq.Example(problem=s.child.problem.id, attempt=s.correct[0]) for s in ledger.solved([1])]",
    ),
    "train": ("self, dataset, out", "(out / 'config.json').write_text('{}')"),
    "benchmark": (
        "self, run, model, sampler, verify",
        "return [sparq.Score(task='t', item=str(i), value=1.0) for i in range(3)]",
    ),
    "benchmark_texts": ("self", "return [sparq.BenchmarkText(task='t', text='how many')]"),
    "sampler": ("self", "return Scripted()"),
}
ATTEMPT = "sparq.Completion(text='7', finish='stop', tokens=1)"
BAD: dict[str, dict[str, str]] = {
    "check": {
        "number": NUMBER,
        "wrong item": "return ['careful']",
        "level": "return [sparq.Finding(level='fatal', place='', message='')]",
    },
    "start": {"number": NUMBER},
    "load_seeds": {
        "none": NONE,
        "number": NUMBER,
        "text": TEXT,
        "wrong item": "return [{'statement': 'x'}]",
        "wrong field": "return [sparq.Draft(statement=42)]",
        "blank": "return [sparq.Draft(answer='7')]",
        "parents": "return [sparq.Draft(statement='x', parents=('9.9.9',))]",
        "NaN": "return [sparq.Draft(statement='x', extra={'a': [NAN]})]",
        "no JSON": "return [sparq.Draft(statement='x', extra={'a': object()})]",
        "fails midway": "yield sparq.Draft(statement='x'); raise KeyError('gone')",
    },
    "select": {
        "none": NONE,
        "few": FEW,
        "many": MANY,
        "number": NUMBER,
        "wrong item": "return [1, 2, 3]",
        "unknown id": "return ['0.1.0', '0.1.1', '7.7.7']",
        "mutates": "pending.append('x'); return good",
    },
    "propose": {
        "none": NONE,
        "number": NUMBER,
        "generator": "return (d for d in good)",
        "wrong item": "return [None for _ in good]",
        "wrong field": "return [replace(d, answer=7) for d in good]",
        "unknown parent": "return [replace(d, parents=('7.7.7',)) for d in good]",
        "no parent": "return [replace(d, parents=()) for d in good]",
        "blank": "return [replace(d, statement=' ') for d in good]",
        "a set": "return [replace(d, extra={'a': [{'b'}]}) for d in good]",
        "unknown completion": "return [replace(d, ordinal=3) for d in good]",
        "NaN": "return [replace(d, extra={'a': NAN}) for d in good]",
        "mutates": "parents.pop(); return good",
        "mutates extra": "parents[0].extra['a'] = 1; return good",
    },
    "admit": {
        "none": NONE,
        "few": FEW,
        "many": MANY,
        "number": NUMBER,
        "wrong item": "return [42 for _ in good]",
        "empty reason": "return ['' for _ in good]",
        "mutates": "children.reverse(); return good",
    },
    "screen": {
        "none": NONE,
        "few": FEW,
        "many": MANY,
        "number": NUMBER,
        "wrong item": "return [42 for _ in good]",
        "verdict": "return [False for _ in good]",
        "mutates": "children.clear(); return good",
    },
    "policy": {
        "none": NONE,
        "number": NUMBER,
        "endless": "return Half(0, more=lambda c: 4)",
        "negative": "return Half(8, more=lambda c: -1)",
        "no number": "return Half(8, more=lambda c: 'all')",
        "NaN": "return Half(8, rate=lambda c: NAN)",
        "beyond one": "return Half(8, rate=lambda c: 1.5)",
        "wrong rate": "return Half(8, rate=lambda c: 'high')",
    },
    "verify": {
        "none": NONE,
        "few": FEW,
        "many": MANY,
        "number": NUMBER,
        "wrong item": "return [True for _ in good]",
        "wrong value": "return [sparq.Verdict(value='right') for _ in good]",
        "wrong field": "return [sparq.Verdict(value='correct', answer=7) for _ in good]",
        "mapping": "return [{'value': 'correct'} for _ in good]",
        "mutates": "trials.sort(key=id); trials.pop(); return good",
    },
    "assess": {
        "none": NONE,
        "few": FEW,
        "many": MANY,
        "number": NUMBER,
        "wrong value": "return [replace(a, outcome='good') for a in good]",
        "rejected": "return [replace(a, outcome='rejected') for a in good]",
        "NaN": "return [replace(a, quality=NAN) for a in good]",
        "negative": "return [replace(a, quality=-0.5) for a in good]",
        "verdicts": "return [replace(a, verdicts=()) for a in good]",
        "wrong verdict": "return [replace(a, verdicts=(sparq.Verdict(value='so'),) * 4) for a in good]",
        "mutates": "cases.reverse(); return good",
    },
    "describe": {
        "none": NONE,
        "few": FEW,
        "many": MANY,
        "number": NUMBER,
        "wrong item": "return ['small' for _ in good]",
        "wrong value": "return [{'size': object()} for _ in good]",
        "mapping": "return [{'size': {'a': 1}} for _ in good]",
        "a set": "return [{'size': {'a'}} for _ in good]",
        "of two kinds": "return [{'size': 'small'} for _ in good]",
        "NaN": "return [{'size': NAN} for _ in good]",
        "a column": "return [{'quality': 1.0} for _ in good]",
        "no name": "return [{1: 1.0} for _ in good]",
        "mutates": "cases[0].problem.extra['seen'] = True; return good",
    },
    "commit": {
        "number": NUMBER,
        "wrong value": "return {'steps': 'one'}",
        "NaN": "return {'steps': NAN}",
        "truth": "return {'steps': True}",
        "mutates": "step.children[0].descriptors['x'] = 1; return {'steps': 1.0}",
    },
    "curate": {
        "none": NONE,
        "number": NUMBER,
        "wrong item": "return [1]",
        "unknown id": "return [replace(good[0], attempt=10**6)]",
        "another problem's": "return [replace(good[0], problem=good[1].problem)]",
        "twice": "return [good[0], good[0]]",
    },
    "train": {
        "nothing": "pass",
        "number": "(out / 'config.json').write_text('{}'); return 42",
        "wrong value": "(out / 'config.json').write_text('{}'); return {'loss': 'low'}",
        "NaN": "(out / 'config.json').write_text('{}'); return {'loss': NAN}",
    },
    "benchmark": {
        "none": NONE,
        "number": NUMBER,
        "wrong item": "return [1.0]",
        "NaN": "return [replace(good[0], value=NAN)]",
        "twice": "return [good[0], good[0]]",
        "asks the sampler a text": "sampler.sample(['How many?'])",
        "has a text judged": "verify(['7'])",
    },
    "benchmark_texts": {"none": NONE, "number": NUMBER, "wrong item": "return ['how many']"},
    "sampler": {
        "none": NONE,
        "number": NUMBER,
        "counts retries in words": "model = Scripted(); model.retries = 'many'; return model",
        "tells of replicas in words": "model = Scripted(); model.by_replica = {'one': 'much'}; return model",
        "answers nothing": "return Scripted(lambda r: [])",
        "answers None": "return Scripted(lambda r: None)",
        "too few": "return Scripted(lambda r: [[] for _ in r])",
        "too many": f"return Scripted(lambda r: [[{ATTEMPT}] * (q.n + 1) for q in r])",
        "wrong item": "return Scripted(lambda r: [['7'] * q.n for q in r])",
        "finish": f"return Scripted(lambda r: [[replace({ATTEMPT}, finish='odd')] * q.n for q in r])",
        "finish of no kind": f"return Scripted(lambda r: [[replace({ATTEMPT}, finish=['stop'])] * q.n for q in r])",
        "tokens": f"return Scripted(lambda r: [[replace({ATTEMPT}, tokens=-1)] * q.n for q in r])",
        "endless tokens": f"return Scripted(lambda r: [[replace({ATTEMPT}, tokens=2**62)] * q.n for q in r])",
        "no text": f"return Scripted(lambda r: [[replace({ATTEMPT}, text=None)] * q.n for q in r])",
        "fails": "return Scripted(lambda r: 1 / 0)",
        "exits": "return Scripted(lambda r: sys.exit(0))",
    },
}
HELP = """
class Half:
    of_parents = False
    def __init__(self, k, more=None, rate=None): self.k, self._more, self._rate = k, more, rate
    def more(self, counts, parents): return self._more(counts) if self._more else (self.k // 2 if not counts.drawn else 0)
    def gave_up(self, counts, parents): return False
    def solve_rate(self, counts, parents): return self._rate(counts) if self._rate else counts.solve_rate
class Scripted(ScriptedSampler):
    def __init__(self, wrong=None): super().__init__({"What": ["7", "8"]}); self.wrong = wrong
    def sample(self, requests): return self.wrong(requests) if self.wrong else super().sample(requests)
"""
LATER = {
    "propose": "parents and any(p.id.startswith('0.1.1') for p in parents) and Odd.asked > 1",
    "admit": "children and children[0].id.startswith('1.2.')",
    "screen": "children and children[0].id.startswith('1.2.')",
    "verify": "trials and trials[0].problem.id.startswith('1.2.')",
    "assess": "cases and cases[0].problem.id.startswith('1.2.')",
    "describe": "cases and cases[0].problem.id.startswith('1.2.')",
    "commit": "(step.round, step.step) == (1, 2)",
    "select": "step == 2",
}
"""When a hook that is asked in every step begins to answer wrongly."""
WHEN = {
    **dict.fromkeys(LATER, "step 1.2"),
    "load_seeds": "the seeds",
    "curate": "round 1",
    "train": "round 1",
    "benchmark": "round 0",
}
K, STEPS, BATCH = 4, 3, 3


def code(hook: str, bad: str | None) -> str:
    """A plugin that answers one hook, wrongly where `bad` says how."""
    arguments, good = GOOD[hook]
    passed = ", ".join(f"{name}={name}" for name in arguments.split(", ")[1:])
    condition = LATER.get(hook, "True")
    wrong = (
        f"""
        Odd.asked += 1
        {"" if hook == "train" else f"good = self.good({passed})"}
        if not ({condition}): return good
        {bad}"""
        if bad
        else f"""
        Odd.asked += 1
        return self.good({passed})"""
    )
    decide = "    def decide(self, counts): return 'kept'\n" if hook == "assess" else ""
    return f"""{HEAD}{HELP}
class Odd:
    asked = 0
    trainable = True
    def good({arguments}):
        {good}
{decide}    @sparq.hookimpl
    def {hook}({arguments}):{wrong}
"""


def pipeline_with(hook: str) -> dict[str, Any]:
    """A pipeline whose cast is good plugins of this file, and the one in question."""
    others = [h for h in ("load_seeds", "select", "propose", "verify", "assess") if h != hook]
    if hook in {"train", "benchmark", "curate"}:
        others.append("curate" if hook != "curate" else "describe")
    if hook == "benchmark_texts":
        others.append("asker")
    model = {"use": "./odd.py:Odd" if hook == "sampler" else "./good_sampler.py:Odd", "model": "scripted"}
    odd = [] if hook == "sampler" else [{"use": "./odd.py:Odd"}]
    return {
        "name": "odd",
        "steps": STEPS,
        "batch": BATCH,
        "in_flight": 2,
        "models": {"student": model},
        "attempts": {"k": K},
        "plugins": [*({"use": f"./good_{other}.py:Odd"} for other in others), *odd],
    }


ASKER = """
import sparq_core as sparq
class Odd:
    @sparq.hookimpl
    def start(self, benchmark_texts): self.texts = list(benchmark_texts())
"""


def with_good_plugins(folder: Path) -> None:
    for hook in GOOD:
        (folder / f"good_{hook}.py").write_text(code(hook, None))
    (folder / "good_asker.py").write_text(ASKER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the good plugins."""
    with_good_plugins(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def never_broken(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The digest of a run whose plugin for a hook was good from the start."""

    @cache
    def digest(hook: str) -> str:
        whole = tmp_path_factory.mktemp("whole")
        with_good_plugins(whole)
        (whole / "odd.py").write_text(code(hook, None))
        with run_pipeline(pipeline_with(hook), whole).read() as ledger:
            return ledger.last_digest()

    return digest


def cases() -> list[Any]:
    return [
        pytest.param(hook, bad, id=f"{hook}-{name}")
        for hook in GOOD
        for name, bad in {**EVERYWHERE, **BAD[hook]}.items()
    ]


@pytest.mark.parametrize(("hook", "bad"), cases())
def test_a_wrong_answer_stops_the_run_and_a_mended_plugin_goes_on(
    folder: Path, never_broken: Callable[[str], str], hook: str, bad: str
) -> None:
    pipeline = pipeline_with(hook)
    (folder / "odd.py").write_text(code(hook, bad))
    with pytest.raises(sparq.PluginError) as caught:
        run_pipeline(pipeline, folder)
    place = "models.student" if hook == "sampler" else f"plugins[{len(pipeline['plugins']) - 1}]"
    name = "models.student" if hook == "sampler" else "./odd.py:Odd"
    told = str(caught.value)
    assert f"plugin '{name}' ({place}), hook `{hook}`" in told
    assert WHEN.get(hook, "") in told
    assert bad in EVERYWHERE.values() or "the contract: " in told or caught.value.__cause__
    if (folder / "run" / "sparq.db").exists():
        with sparq.Reader.open(folder / "run") as ledger:
            check_conservation(ledger, ledger.tally())
            assert ledger.steps_of(1) <= (1 if hook in LATER else STEPS)
            assert ledger.tally().attempts <= STEPS * BATCH * K
    (folder / "odd.py").write_text(code(hook, None))
    mended = run_pipeline(pipeline, folder, resume=True, accept_changes=True)
    assert mended.ending.reason == "done"
    with mended.read() as ledger:
        assert ledger.last_digest() == never_broken(hook)


AUDITS = {
    **EVERYWHERE,
    "none": NONE,
    "few": FEW,
    "many": MANY,
    "number": NUMBER,
    "generator": "return (v for v in good)",
    "wrong item": "return [True for _ in good]",
    "wrong value": "return [replace(v, value='valid') for v in good]",
    "wrong field": "return [replace(v, answer=7) for v in good]",
    "mapping": "return [{'value': 'correct'} for _ in good]",
    "mutates": "problems.pop(); return good",
    "mutates extra": "problems[0].extra['seen'] = 1; return good",
    "asks what is no trial": "verify(problems); return good",
}
GOOD_AUDIT = "good = [sparq.Verdict(value='correct') for _ in problems]"
AUDIT = f"{HEAD}class Odd:\n    @sparq.hookimpl\n    def audit(self, problems, verify):\n        {GOOD_AUDIT}\n        {{}}\n"


@pytest.fixture(scope="module")
def to_be_audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of good plugins."""
    home = tmp_path_factory.mktemp("audited")
    with_good_plugins(home)
    (home / "odd.py").write_text(code("verify", None))
    return run_pipeline(pipeline_with("verify"), home).folder


@pytest.mark.parametrize("bad", [pytest.param(bad, id=name) for name, bad in AUDITS.items()])
def test_a_wrong_answer_stops_an_audit(to_be_audited: Path, tmp_path: Path, bad: str) -> None:
    (tmp_path / "odd.py").write_text(AUDIT.format(bad))
    use = f"{tmp_path}/odd.py:Odd"
    with pytest.raises(sparq.PluginError) as caught:
        audit(to_be_audited, Sample(), use, [], None)
    assert f"plugin '{use}' (--use), hook `audit`, batch 1" in str(caught.value)
    assert "the contract: " in str(caught.value) or caught.value.__cause__
    (tmp_path / "odd.py").write_text(AUDIT.format("return good"))
    done = audit(to_be_audited, Sample(), use, [], None)
    assert done.asked == STEPS * BATCH == sum(stratum.audited.correct for stratum in done.strata)


@pytest.mark.parametrize(("hook", "about"), [("verify", "attempt 1 at problem 1.2.1"), ("assess", "problem 1.2.1")])
def test_the_item_that_a_plugin_raises_for_is_named(folder: Path, hook: str, about: str) -> None:
    one = (
        "t.problem.id == '1.2.1' and t.attempt.k == 1 for t in trials"
        if hook == "verify"
        else "c.problem.id == '1.2.1' for c in cases"
    )
    (folder / "odd.py").write_text(code(hook, f"_ = 1 / 0 if any({one}) else None; {GOOD[hook][1]}"))
    with pytest.raises(sparq.PluginError, match=f"step 1.2: ZeroDivisionError.*\n  it raises for {about} alone"):
        run_pipeline(pipeline_with(hook), folder)


@pytest.mark.parametrize(
    "bad", ["raise RuntimeError('blind')", "sys.exit(0)", EVERYWHERE["raises what cannot be told"], "return 42"]
)
@pytest.mark.parametrize("hook", ["observe", "stop"])
def test_watching_and_stopping_are_warnings(folder: Path, hook: str, bad: str) -> None:
    argument = ", event" if hook == "observe" else ""
    source = f"{HEAD}class Odd:\n    @sparq.hookimpl\n    def {hook}(self{argument}): {bad}\n"
    (folder / "odd.py").write_text(source)
    ran = run_pipeline(pipeline_with(hook), folder)
    assert ran.ending.reason == "done"
    warned = [event.message for event in ran.events if isinstance(event, sparq.Warned)]
    assert len([message for message in warned if "./odd.py:Odd" in message]) == (bad != "return 42")


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nsys.exit(0)\n",
        "import sys\nclass Odd:\n    def __init__(self): sys.exit(0)\n    @sparq.hookimpl\n    def stop(self): pass\n",
    ],
    ids=["at import", "when made"],
)
def test_an_exit_before_the_run_is_the_plugins_fault(folder: Path, source: str) -> None:
    (folder / "odd.py").write_text("import sparq_core as sparq\n" + source)
    (folder / "pipeline.yaml").write_text(json.dumps(pipeline_with("stop")))
    command = [sys.executable, "-m", "sparq_core.cli", "check", str(folder / "pipeline.yaml")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "SystemExit" in done.stderr
    assert "plugins[5]" in done.stderr


@pytest.mark.parametrize("hook", ["sampler", "verify"])
def test_who_fails_while_a_benchmark_asks_is_named(folder: Path, hook: str) -> None:
    trial = "sparq.Trial(sparq.Problem(id='x', statement='?'), sparq.Attempt(k=0, seed=0, text='7', finish='stop', tokens=1))"
    asks = {
        "sampler": "sampler.sample([sparq.Request(messages=(), seed=0, sampling=sparq.Sampling())])",
        "verify": f"verify([{trial}])",
    }
    (folder / "good_benchmark.py").write_text(code("benchmark", asks[hook]))
    (folder / "odd.py").write_text(code(hook, BAD[hook]["number"]).replace(LATER.get(hook, "True"), "True"))
    pipeline = pipeline_with(hook)
    pipeline["plugins"].append({"use": "./good_benchmark.py:Odd"})
    with pytest.raises(sparq.PluginError, match=f"hook `{hook}`"):
        run_pipeline(pipeline, folder)


def test_what_a_text_says_is_never_a_matter_of_contract(folder: Path) -> None:
    texts = ["\ud800", "a\x00b", "\u202e\ufffe", "x" * 100_000]
    said = f"[sparq.Completion(text={texts!r}[j % 4], finish='stop', tokens=1) for j in range(q.n)]"
    sampler = f"return Scripted(lambda r: [{said} for q in r])"
    (folder / "odd.py").write_text(code("sampler", sampler))
    pipeline = pipeline_with("sampler")
    draft = "sparq.Draft(statement=t, answer=t, solution=t, extra={'t': t}, parents=(parents[0].id,))"
    drafts = f"return [{draft} for t in {texts!r}]"
    (folder / "good_propose.py").write_text(code("propose", drafts).replace(LATER["propose"], "True"))
    ran = run_pipeline(pipeline, folder)
    with ran.read() as ledger:
        statements = {text for (text,) in ledger.query("SELECT statement FROM problem WHERE round = 1")}
        assert {"\ufffd", "a\x00b", "\u202e\ufffe", "x" * 100_000} == statements
        assert ledger.judged("1.1.0")[0].attempt.text == "\ufffd"


def test_a_pipeline_that_needs_no_mending_is_not_touched(folder: Path, sums: Callable[..., Any]) -> None:
    run_pipeline(sums(steps=2), folder)
    with pytest.raises(sparq.PipelineError, match=r"seed: 1 → 2") as caught:
        run_pipeline(sums(steps=2, seed=2), folder, resume=True, accept_changes=True)
    assert "--accept-changes" not in str(caught.value)


def test_an_accepted_change_is_kept_in_the_ledger(folder: Path) -> None:
    pipeline = pipeline_with("verify")
    (folder / "odd.py").write_text(code("verify", BAD["verify"]["wrong value"]))
    with pytest.raises(sparq.PluginError, match=re.escape("Invalid enum value 'right'")):
        run_pipeline(pipeline, folder)
    (folder / "odd.py").write_text(code("verify", None))
    with pytest.raises(sparq.PipelineError, match="--accept-changes"):
        run_pipeline(pipeline, folder, resume=True)
    ran = run_pipeline(pipeline, folder, resume=True, accept_changes=True)
    assert any(
        "changed: plugins../odd.py:Odd.files.code" in e.message for e in ran.events if isinstance(e, sparq.Warned)
    )
    with ran.read() as ledger:
        assert list(ledger.query("SELECT round, step, setting FROM change")) == [
            (1, 1, "plugins../odd.py:Odd.files.code")
        ]
    run_pipeline(pipeline, folder, resume=True)


@pytest.mark.parametrize("body", ["raise KeyboardInterrupt", "sys.exit(0)", "raise BaseException('odd')"])
def test_a_plugin_cannot_pass_for_ctrl_c_or_end_a_run_without_a_word(folder: Path, body: str) -> None:
    (folder / "odd.py").write_text(code("commit", body))
    (folder / "pipeline.yaml").write_text(json.dumps(pipeline_with("commit")))
    command = [
        sys.executable,
        "-m",
        "sparq_core.cli",
        "run",
        str(folder / "pipeline.yaml"),
        "--out",
        str(folder / "run"),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "hook `commit`, step 1.2" in done.stderr
    assert "continue with `--resume`" in done.stderr
    assert "sparq_core" not in done.stderr.replace(str(folder), "")


def test_a_change_that_cannot_be_gone_on_with_is_not_recorded(folder: Path) -> None:
    pipeline = pipeline_with("commit")
    (folder / "odd.py").write_text(code("commit", None))
    run_pipeline(pipeline, folder)
    (folder / "odd.py").write_text(code("commit", None).replace("1.0", "2.0"))
    with pytest.raises(sparq.SparqError, match=r"steps was 1\.0, now 2\.0; the plugin of this metric has changed"):
        run_pipeline({**pipeline, "steps": 5}, folder, resume=True, accept_changes=True)
    (folder / "odd.py").write_text(code("commit", None))
    ran = run_pipeline({**pipeline, "steps": 5}, folder, resume=True)
    with ran.read() as ledger:
        assert not list(ledger.query("SELECT * FROM change"))


def test_a_mistake_of_the_pipeline_that_shows_in_the_middle_has_cost_something(folder: Path) -> None:
    late = "raise sparq.PipelineError('with.prompt: no such name') if step.step == 2 else ValueError('early')"
    (folder / "odd.py").write_text(code("commit", late))
    (folder / "pipeline.yaml").write_text(json.dumps(pipeline_with("commit")))
    command = [
        sys.executable,
        "-m",
        "sparq_core.cli",
        "run",
        str(folder / "pipeline.yaml"),
        "--out",
        str(folder / "run"),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "with.prompt: no such name" in done.stderr
    assert "committed steps are in" in done.stderr


@pytest.mark.parametrize(
    ("hook", "bad"), [("verify", "wrong value"), ("sampler", "answers nothing"), ("policy", "endless")]
)
def test_a_preview_ends_with_the_same_error(folder: Path, hook: str, bad: str) -> None:
    (folder / "odd.py").write_text(code(hook, BAD[hook][bad]).replace("'1.2.'", "'1.1.'"))
    (folder / "pipeline.yaml").write_text(json.dumps(pipeline_with(hook)))
    command = [sys.executable, "-m", "sparq_core.cli", "preview", str(folder / "pipeline.yaml")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"hook `{hook}`" in done.stderr
