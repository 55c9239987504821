import inspect
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import sparq_core as sparq
from sparq_core.testing import check_plugin, run_pipeline
from sparq_reasoning_gym import ReasoningGym, ReasoningGymConfig, Wanted
from sparq_reasoning_gym.items import EVALUATING, families, make_item

ROOT = Path(__file__).parents[1]
FAMILIES = ["chain_sum", "spell_backward", "syllogism"]


@pytest.fixture(scope="module")
def plugin() -> Iterator[ReasoningGym]:
    gym = ReasoningGym(ReasoningGymConfig(families=FAMILIES, seeds=2, seconds=0.5))
    gym.start()
    yield gym
    gym.stop()


def problem(family: str, seed: int = 0) -> sparq.Problem:
    item = make_item(family, 0, seed)
    assert not isinstance(item, str)
    draft = Wanted(family, 0, seed, ()).draft(item, "")
    right = f"\\boxed{{{draft.answer}}}"
    return sparq.Problem(
        id=f"1.1.{seed}", statement=draft.statement, answer=draft.answer, solution=right, extra=draft.extra
    )


def judged(plugin: ReasoningGym, task: sparq.Problem, text: str, finish: sparq.Finish = "stop") -> sparq.Verdict | None:
    return plugin.verify([sparq.Trial(task, sparq.Attempt(k=0, seed=0, text=text, finish=finish, tokens=1))])[0]


def test_it_keeps_the_contract() -> None:
    families()
    gym = ReasoningGym(ReasoningGymConfig(families=FAMILIES, seeds=2))
    check_plugin(gym, problems=[problem("chain_sum"), problem("spell_backward", 1)])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_scorer_judges(plugin: ReasoningGym, family: str) -> None:
    task = problem(family)
    verdicts = [judged(plugin, task, f"\\boxed{{{answer}}}") for answer in (task.answer, "who knows")]
    assert [verdict and verdict.value for verdict in verdicts] == ["correct", "incorrect"]


@pytest.mark.parametrize(
    ("text", "finish", "value"),
    [("No.", "stop", "incorrect"), ("It is", "length", "unknown"), ("\\boxed{}", "stop", "incorrect")],
)
def test_without_an_answer_no_scorer_is_asked(
    plugin: ReasoningGym, text: str, finish: sparq.Finish, value: str
) -> None:
    verdict = judged(plugin, problem("gcd"), text, finish)
    assert verdict is not None
    assert verdict.value == value


def test_a_scorer_that_takes_too_long_or_fails_decides_nothing_by_itself(
    plugin: ReasoningGym, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, program = problem("gcd"), "def score(family, item, answer):\n    "
    for body, value in (
        ("while True: pass", "unknown"),
        ("[0] * 10**10", "unknown"),
        ("raise ValueError", "incorrect"),
    ):
        monkeypatch.setattr(sys.modules["sparq_reasoning_gym.scoring"], "PROGRAM", program + body)
        verdict = judged(plugin, task, "\\boxed{1}")
        assert verdict is not None
        assert (verdict.value, verdict.by) == (value, "")


def test_items_whose_scorer_is_of_no_use_are_dropped(plugin: ReasoningGym) -> None:
    drafts = plugin.drafts(
        [Wanted(name, 0, 1, ()) for name in ("gcd", "game_of_life_halting", "rearc", "caesar_cipher")]
    )
    assert [draft.unparsed for draft in drafts[::3]] == ["", ""]
    assert drafts[1].unparsed == "its scorer takes nonsense for right"
    assert drafts[2].unparsed.startswith("its own answer is scored")


def test_children_are_other_items_of_the_family(plugin: ReasoningGym) -> None:
    parents = [problem("chain_sum", i) for i in range(8)]
    children = plugin.propose(parents, sparq.generator(1))
    assert {child.extra["family"] for child in children} == {"chain_sum"}
    assert {child.extra["level"] for child in children} == {0, 1}
    assert len({child.statement for child in children}) == 8
    assert plugin.propose(parents, sparq.generator(1)) == children


def test_families_that_run_the_answer_are_refused() -> None:
    families()
    from reasoning_gym.factory import DATASETS

    sources = {name: inspect.getsource(sys.modules[kind.__module__]) for name, (kind, _) in DATASETS.items()}
    assert {name for name, text in sources.items() if re.search(r"\b(eval|parse_expr)\(\w*answer", text)} == EVALUATING
    found = ReasoningGym(ReasoningGymConfig(families=["n_queens", "chainsum", "gcd"])).check()
    assert ["forge" in found[0].message, "did you mean 'chain_sum'" in found[1].message, len(found)] == [True, True, 2]


def test_the_pipeline_runs() -> None:
    pipeline = yaml.safe_load((ROOT / "pipeline.yaml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        ran = run_pipeline(pipeline, Path(folder))
        assert ran.ending.reason == "done"
        assert ran.ending.tally.outcomes["kept"] > 0
        with ran.read() as ledger:
            described = {value for (value,) in ledger.query("SELECT value FROM descriptor WHERE key = 'family'")}
    assert len(described) == 3
