"""Every built-in keeps the contract that strangers' plugins are held to; every hook does what its page says."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec import Struct

import sparq_core as sparq
from sparq_core.hookspecs import HOOKS
from sparq_core.pipeline.discovery import build, installed
from sparq_core.testing import ScriptedSampler, check_plugin, run_pipeline
from sparq_tiny import MODEL

ROOT = Path(__file__).parents[2]
ROWS = [{"problem": f"What is {i + 5} + {i}?", "answer": str(2 * i + 5)} for i in range(4)]
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "jsonl-seeds": {"path": "rows.jsonl"},
    "parquet-seeds": {"path": "rows.parquet"},
    "datasets-seeds": {"dataset": "rows"},
    "decontaminate": {"files": ["rows.jsonl"], "benchmarks": False},
    "similar": {"model": str(MODEL)},
    "clusters": {"model": str(MODEL), "texts": "rows.jsonl", "clusters": 3},
    "pass-at-n": {"path": "rows.jsonl", "n": 2},
    "unsolved": {"below": 1.0},
    "simulated": {"problems": "known.jsonl"},
    "lm-eval": {"tasks": ["in_distribution"], "include": str(ROOT / "examples" / "quickstart")},
    "bayes": {"from_parents": 2.0},
    "ray": {"sampler": "scripted"},
    "command": {"run": ["true", "{{ model }}", "{{ dataset }}", "{{ out }}"]},
}
"""What a built-in cannot do without, or does more with."""
MODELS = {"hf": str(MODEL), "scripted": "sums", "simulated": "sums", "pass-at-n": "sums", "ray": "sums"}
"""The models of the built-ins that are asked with one."""
SAYS_YES = ScriptedSampler({"": ["Yes.", "No."]})
MARKS = ScriptedSampler({"": ["Relevance: 5\nCleanliness: 4", "Relevance: 1\nCleanliness: 5"]})
SAMPLERS = {"judge": SAYS_YES, "validity": SAYS_YES, "guide": MARKS}
"""Models that answer what these built-ins ask."""
ELSEWHERE = {
    "openai": "sampler",
    "vllm": "sampler",
    "lm-eval": "benchmark",
    **dict.fromkeys(("sft", "dpo", "grpo", "command"), "train"),
}
"""What the tests of these plugins call, with a server, an engine or a model of their own."""
BUILT_INS = sorted(name for name, entry in installed().items() if entry.dist and entry.dist.name == "sparq-engine")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that `OPTIONS` names."""
    folder = tmp_path_factory.mktemp("inputs")
    text = "".join(json.dumps(row) + "\n" for row in ROWS)
    (folder / "rows.jsonl").write_text(text)
    (folder / "rows").mkdir()
    (folder / "rows" / "train.jsonl").write_text(text)
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "rows.parquet")
    known = {"problem": "What is 0 + 1?", "right": ["\\boxed{1}"], "wrong": ["\\boxed{2}"], "written": "<problem>"}
    (folder / "known.jsonl").write_text(json.dumps(known) + "\n")
    return folder


@pytest.mark.parametrize("name", BUILT_INS)
def test_built_ins_keep_the_contract(name: str, inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inputs)
    plugin = build(name, OPTIONS.get(name, {}), "plugins[0]", inputs).plugin
    skip = {ELSEWHERE[name]} if name in ELSEWHERE else ()
    check_plugin(plugin, sampler=SAMPLERS.get(name), model=MODELS.get(name), skip=skip)


class Short:
    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, int]]:
        return [{} for _ in cases[1:]]


class Meddler:
    @sparq.hookimpl
    def describe(self, cases: list[sparq.Case]) -> list[dict[str, int]]:
        answer: list[dict[str, int]] = [{} for _ in cases]
        cases.reverse()
        return answer


class Mute:
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, int]]:
        return [{} for _ in cases]


class NeedsABox:
    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict]:
        answers = [sparq.last_boxed(trial.attempt.text) for trial in trials]
        return [sparq.Verdict(value="correct", answer=answer.upper()) for answer in answers]  # type: ignore[union-attr]


class NeedsAReference:
    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict]:
        same = [trial.problem.answer.strip() in trial.attempt.text for trial in trials]  # type: ignore[union-attr]
        return [sparq.Verdict(value="correct" if one else "incorrect") for one in same]


class Truth:
    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[bool]:
        return [True for _ in trials]


class Positional:
    @sparq.hookimpl
    def verify(self, attempts: Sequence[sparq.Trial]) -> list[None]:
        return [None for _ in attempts]


class Moody:
    def __init__(self) -> None:
        self.asked = 0

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, int]]:
        self.asked += 1
        return [{"asked": self.asked} for _ in cases]


class NeedsExtra:
    started = False

    @sparq.hookimpl
    def start(self) -> None:
        self.started = True

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict]:
        assert self.started
        same = [trial.problem.extra["table"] == trial.attempt.text for trial in trials]
        return [sparq.Verdict(value="correct" if one else "incorrect") for one in same]


class Forgetful:
    """Counts in a place that every batch shares."""

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, str]]:
        self.cases = cases
        time.sleep(0.001)
        return [{"asked": case.problem.id} for case in self.cases]


class Replayed:
    """Turns away by what it was told in a place that outlives it."""

    heard: list[str] = []  # noqa: RUF012 -- the bug

    @sparq.hookimpl
    def admit(self, children: Sequence[sparq.Problem]) -> list[str | None]:
        before = set(self.heard)
        self.heard.extend(child.statement for child in children)
        return ["heard before" if child.statement in before else None for child in children]


class Trusting:
    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm) -> list[sparq.Draft]:
        answers = llm("generator").complete([f"A <problem> like {p.statement}" for p in parents], sparq.Sampling())
        return [
            sparq.Draft(statement=answer.text.split("<problem>")[1], parents=(parent.id,))
            for parent, answer in zip(parents, answers, strict=True)
        ]


class Picky(Trusting):
    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm) -> list[sparq.Draft]:
        answers = llm("generator").complete([f"A <problem> like {p.statement}" for p in parents], sparq.Sampling())
        return [sparq.Draft(statement=a.text, parents=(p.id,)) for p, a in zip(parents, answers, strict=True) if a.text]


class Blank(Trusting):
    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm) -> list[sparq.Draft]:
        answers = llm("generator").complete([f"A <problem> like {p.statement}" for p in parents], sparq.Sampling())
        return [sparq.Draft(statement=a.text, parents=(p.id,)) for p, a in zip(parents, answers, strict=True)]


class RestlessSampler(ScriptedSampler):
    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        number = str(len(self.requests))
        answers = super().sample(requests)
        return [[sparq.Completion(text=number, finish="stop", tokens=1) for _ in each] for each in answers]


class Restless:
    @sparq.hookimpl
    def sampler(self) -> RestlessSampler:
        return RestlessSampler()


class Choosy:
    """Draws from a generator of its own."""

    def __init__(self) -> None:
        self.chosen = 0

    @sparq.hookimpl
    def curate(self, ledger: sparq.Reader) -> list[sparq.Example]:
        self.chosen += 1
        solved = list(ledger.solved())[self.chosen - 1]
        return [sparq.Example(problem=solved.child.problem.id, attempt=solved.correct[0])]


class Blind:
    @sparq.hookimpl
    def observe(self, event: sparq.Event) -> None:
        raise ValueError(type(event).__name__)


def local() -> object:
    class Config(Struct, frozen=True):
        """Options that only a function knows."""

    class Local:
        def __init__(self, config: Config) -> None:
            self.config = config

        @sparq.hookimpl
        def screen(self, children: Sequence[sparq.Problem]) -> list[None]:
            return [None for _ in children]

    Local.__init__.__annotations__["config"] = Config
    return Local(Config())


class Locked:
    def __init__(self) -> None:
        self.lock = threading.Lock()

    @sparq.hookimpl
    def commit(self, step: sparq.Step) -> None: ...


class KeepsState:
    """Saves what it remembers, and takes it up again."""

    def __init__(self) -> None:
        self._children = 0

    @sparq.hookimpl
    def commit(self, step: sparq.Step) -> dict[str, float]:
        self._children += len(step.children)
        return {"children": float(self._children)}

    def save_state(self, file: IO[bytes]) -> None:
        file.write(str(self._children).encode())

    def load_state(self, file: IO[bytes]) -> None:
        self._children = int(file.read())


class ForgetsState(KeepsState):
    def load_state(self, file: IO[bytes]) -> None:
        file.read()


def test_a_plugins_state_is_saved_and_loaded() -> None:
    check_plugin(KeepsState())


def test_a_domains_plugin_is_played_problems_of_its_own() -> None:
    table = sparq.Problem(id="1.1.0", statement="?", answer="1", solution="t", extra={"table": "t"})
    check_plugin(NeedsExtra(), problems=[table])
    with pytest.raises(AssertionError, match="KeyError: 'table'"):
        check_plugin(NeedsExtra())


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (Short(), "5 answers for a batch of 6"),
        (Meddler(), "changed the batch it was given"),
        (Mute(), "lacks @hookimpl"),
        (NeedsABox(), "hook `verify`, .*AttributeError: 'NoneType' object has no attribute 'upper'"),
        (NeedsAReference(), "hook `verify`, .*AttributeError: 'NoneType' object has no attribute 'strip'"),
        (Truth(), "answer 1 of 54 is a bool, not a Verdict"),
        (Positional(), "does not fit its hook"),
        (Moody(), "describe answers the same input in two ways"),
        (Mute, "give an object, not the class Mute"),
        (Forgetful(), "describe answers otherwise when several threads ask at once"),
        (Replayed(), "told the same steps, answers otherwise"),
        (ForgetsState(), "loads its state answers otherwise"),
        (Trusting(), "with a model that says nothing: .*IndexError"),
        (Picky(), "propose gives 0 drafts with a model that says nothing, 3 with another"),
        (Blank(), "it has neither a statement nor `unparsed`"),
        (Restless(), "sampler answers the same input in two ways"),
        (Choosy(), "curate answers the same input in two ways"),
        (Blind(), "observer 'Blind' is disabled: ValueError: RunStarted"),
        (local(), "Config, the options of Local, cannot be handed to another process"),
        (Locked(), "there is no second Locked to be had"),
    ],
)
def test_the_contract_finds_what_is_broken(plugin: object, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_plugin(plugin, model="any")


class CalledError(Exception):
    pass


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_called(hook: str) -> None:
    def call(self: object) -> None:
        raise CalledError

    companions: dict[str, Any] = {"decide": lambda self, counts: "kept"} if hook == "policy" else {}
    plugin = type("Calls", (), {hook: sparq.hookimpl(call), **companions})
    call.__name__ = hook
    with pytest.raises(AssertionError, match="CalledError"):
        check_plugin(plugin(), model="any")


@pytest.mark.parametrize("hook", ["sampler", "train", "benchmark"])
def test_a_hook_that_would_not_be_called_is_no_success(hook: str) -> None:
    plugin = type("Silent", (), {hook: sparq.hookimpl(lambda self: None)})()
    with pytest.raises(AssertionError, match=f"`{hook}` is never called: give `model`.* or name the hook in `skip`"):
        check_plugin(plugin)
    check_plugin(plugin, skip=[hook])
    with pytest.raises(AssertionError, match="skip names 'verify': only sampler, train, benchmark may be left out"):
        check_plugin(plugin, skip=["verify"])


class Passes:
    """Judges nothing."""

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[None]:
        return [None for _ in trials]


class Unread:
    """Cannot read what its model writes."""

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem]) -> list[sparq.Draft]:
        return [sparq.Draft(parents=(parent.id,), unparsed="no tags") for parent in parents]


class Nothing:
    """Has nothing to say."""

    @sparq.hookimpl
    def load_seeds(self) -> list[sparq.Draft]:
        return []

    @sparq.hookimpl
    def select(self, n: int) -> list[str]:
        raise sparq.NoParents

    @sparq.hookimpl
    def admit(self, children: Sequence[sparq.Problem]) -> list[str]:
        return ["no" for _ in children]

    @sparq.hookimpl
    def screen(self, children: Sequence[sparq.Problem]) -> list[str]:
        return ["no" for _ in children]

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, None]]:
        return [{"topic": None} for _ in cases]

    @sparq.hookimpl
    def audit(self, problems: Sequence[sparq.Problem]) -> list[None]:
        return [None for _ in problems]


class NoChoice:
    @sparq.hookimpl
    def curate(self) -> list[sparq.Example]:
        return []


@pytest.mark.parametrize(
    ("plugin", "missed"),
    [
        (Passes(), ["`verify` judged no attempt correct; give `problems`", "`verify` judged no attempt incorrect"]),
        (Unread(), ["`propose` wrote no problem that can be read; give a `sampler`"]),
        (
            Nothing(),
            [
                "gave no seed",
                "chose no parent",
                "`admit` let no",
                "`screen` let no",
                "described no",
                "decided about no",
            ],
        ),
        (NoChoice(), ["`curate` chose no example"]),
    ],
)
def test_what_was_not_tried_is_said(plugin: object, missed: list[str]) -> None:
    with pytest.warns(UserWarning) as warned:  # noqa: PT030 -- each is matched below
        check_plugin(plugin)
    said = [str(warning.message) for warning in warned]
    assert len(said) == len(missed)
    assert all(any(what in each for each in said) for what in missed), said


def test_a_plugin_that_is_heavy_to_list_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = "class Heavy:\n    @sparq.hookimpl\n    def observe(self, event): pass\n"
    (tmp_path / "sparq_heavy.py").write_text(f"import pandas\nimport sparq_core as sparq\n{plugin}")
    (tmp_path / "pandas.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    import sparq_heavy  # type: ignore[import-not-found]  # written just now

    with pytest.raises(AssertionError, match="importing sparq_heavy imports pandas; import it in `start`"):
        check_plugin(sparq_heavy.Heavy())


RECORDER = """
import json, sparq_core as sparq
class Recorder:
    def __init__(self): self.heard = []
    @sparq.hookimpl
    def screen(self, children): self.heard.append("screen"); return [None] * len(children)
    @sparq.hookimpl
    def verify(self, trials): self.heard.append("verify"); return [None] * len(trials)
    @sparq.hookimpl
    def admit(self, children): self.heard.append("admit"); return [None] * len(children)
    @sparq.hookimpl
    def describe(self, cases): self.heard.append("describe"); return [{"heard": 1}] * len(cases)
    @sparq.hookimpl
    def commit(self, step): self.heard.append("commit"); return None
    @sparq.hookimpl
    def benchmark(self, model): self.heard.append("benchmark"); return [sparq.Score(task="t", item="1", value=1.0)]
    @sparq.hookimpl
    def observe(self, event): self.heard.append("observe")
    @sparq.hookimpl
    def check(self): self.heard.append("check"); return []
    @sparq.hookimpl
    def start(self, run): self.heard.append("start"); self.base = run.base
    @sparq.hookimpl
    def stop(self): (self.base / "heard.json").write_text(json.dumps([*self.heard, "stop"]))
"""


def test_hooks_are_called_in_the_order_of_the_loop(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "recorder.py").write_text(RECORDER)
    pipeline = sums(steps=1, in_flight=1)
    pipeline["plugins"].insert(0, {"use": "./recorder.py:Recorder"})
    run_pipeline(pipeline, tmp_path)
    heard = [hook for hook in json.loads((tmp_path / "heard.json").read_text()) if hook != "observe"]
    seeds = ["admit", "screen", "describe", "commit"]
    step = ["admit", "screen", "verify", "describe", "commit"]
    assert heard == ["check", "start", "benchmark", *seeds, *step, "stop"]


def test_event_log_writes_every_event(sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = sums(steps=3)
    pipeline["plugins"].append({"use": "event-log"})
    ran = run_pipeline(pipeline, tmp_path)
    rows = [json.loads(line) for line in (ran.folder / "logs" / "events.jsonl").read_text().splitlines()]
    assert [row["event"] for row in rows] == [type(event).__name__ for event in ran.events]
    assert rows[-1]["tally"]["outcomes"] == ran.ending.tally.outcomes
