"""Exports for trainers: which lines they have, what is left out and why, and what they never replace."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from runs import rows, sparq_command

from sparq_core.cli import cli
from sparq_core.cli.export_for import export_for, grade_by
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.records import Verdict
from sparq_core.contract.thinking import without_thinking
from sparq_core.ledger import dataset
from sparq_core.ledger.lineages import Lineages
from sparq_core.ledger.reader import Reader
from sparq_core.publish.trainers import export as exporting
from sparq_core.publish.trainers.export import Exported
from sparq_core.publish.trainers.formats import FORMATS
from sparq_core.reward import Reward, trial_of
from sparq_core.testing import run_pipeline

pytest_plugins = ["exporting"]
Export = Callable[..., Exported]
OF_PROBLEMS = [name for name, format_ in FORMATS.items() if format_.rewarded]
PICKY = '''
import sparq_core as sparq

class Picky:
    """Judges what a run never draws, of the seed 0, otherwise than the verifier after it."""

    @sparq.hookimpl
    def verify(self, trials):
        return [self._verify(trial) for trial in trials]

    def _verify(self, trial):
        if trial.attempt.seed:
            return None
        value = {"2": "incorrect", "4": "correct"}.get(trial.problem.answer[-1])
        return sparq.Verdict(value=value, reason="picky") if value else None
'''
WITH_DATA = '''
import sparq_core as sparq

class WithData:
    """Cannot judge what a run never draws, of the seed 0, without the problem's own data."""

    @sparq.hookimpl
    def verify(self, trials):
        without = sparq.Verdict(value="incorrect", reason="no data")
        return [None if trial.attempt.seed or trial.problem.extra else without for trial in trials]
'''
ALWAYS = """
import sparq_core as sparq

class Always:
    @sparq.hookimpl
    def verify(self, trials):
        return [sparq.Verdict(value="correct", reason="always") for _ in trials]
"""
THINKER = """
from msgspec.structs import replace

import sparq_core as sparq
from sparq_core.testing.scripted import ScriptedSampler

class Thinking(ScriptedSampler):
    def _complete(self, request, j):
        said = super()._complete(request, j)
        return replace(said, text=f"<think>Is it \\\\boxed{{1}}?</think>\\n\\n{said.text}") if "<" not in said.text else said

class Thinker:
    @sparq.hookimpl
    def sampler(self):
        return Thinking()
"""


def refused(run: Path, trainer: str, to: Path, *more: str) -> str:
    """The error of a command that writes nothing."""
    before = to.exists()
    told = sparq_command("export", str(run), "--for", trainer, "--to", str(to), *more, code=2)
    assert to.exists() == before
    return " ".join(told.split())


def lines(to: Path, split: str = "train") -> list[dict[str, Any]]:
    """The rows of an export, with the columns that Inspect has in `metadata` among the others."""
    (path,) = to.rglob(f"{split}.*")
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return found
    return [{**row, **row.get("metadata", {})} for row in rows(path)]


def with_verifier(sums: Callable[..., Any], folder: Path, file: str, code: str, name: str, **settings: Any) -> Path:
    """A run with a verifier of its own before the checker."""
    (folder / file).write_text(code)
    plan = sums(**settings)
    plan["plugins"].insert(4, {"use": f"./{file}:{name}"})
    return run_pipeline(plan, folder).folder


@pytest.mark.parametrize("trainer", FORMATS)
def test_it_loads_with_datasets_and_its_card_tells_its_columns(
    run_folder: Path, export: Export, tmp_path: Path, trainer: str
) -> None:
    from datasets import load_dataset

    to = tmp_path / "out"
    done = export(run_folder, trainer, to, holdout=0.3, licence="cc-by-4.0")
    loaded = load_dataset(str(to), cache_dir=str(tmp_path / "cache"))
    assert {Path(file).stem: count for file, count in done.rows.items()} == {s: len(some) for s, some in loaded.items()}
    names = [column.name for column in FORMATS[trainer].columns]
    assert loaded["train"].column_names == names
    card = (to / "README.md").read_text()
    assert all(f"| `{name}` |" in card for name in names)
    assert "license: cc-by-4.0" in card


@pytest.mark.parametrize("trainer", OF_PROBLEMS)
def test_reinforcement_learning_gets_each_chosen_problem_once_with_its_measured_rate(
    run_folder: Path, export: Export, tmp_path: Path, trainer: str
) -> None:
    export(run_folder, trainer, tmp_path / "out")
    with Reader.open(run_folder) as ledger:
        wanted = {each.problem: ledger.child(each.problem) for each in dataset.chosen_problems(ledger)}
    found = lines(tmp_path / "out")
    assert [line["id"] for line in found] == list(wanted)
    for line, child in zip(found, wanted.values(), strict=True):
        assert (line["solve_rate"], line["num_correct"], line["num_attempts"]) == (
            child.solve_rate,
            child.counts.correct,
            child.counts.drawn,
        )
        assert child.problem.statement in json.dumps(line)


def test_verl_and_skyrl_share_their_rows(run_folder: Path, export: Export, tmp_path: Path) -> None:
    for trainer in ("verl", "skyrl"):
        export(run_folder, trainer, tmp_path / trainer)
    assert lines(tmp_path / "verl") == lines(tmp_path / "skyrl")
    first = lines(tmp_path / "verl")[0]
    assert first["reward_model"] == {"style": "rule", "ground_truth": first["reward_spec"]["ground_truth"]}
    assert first["extra_info"].keys() == {"split", "index", "id", "problem", "extra"}
    assert (first["data_source"], first["env_class"]) == ("sparq/sums", "sparq")


def test_pairs_are_a_right_and_a_wrong_attempt_of_like_length(run_folder: Path, export: Export, tmp_path: Path) -> None:
    export(run_folder, "trl-dpo", tmp_path / "out")
    found = lines(tmp_path / "out")
    with Reader.open(run_folder) as ledger:
        for line in found:
            right, wrong = (texts_of(ledger, line["id"], value) for value in ("correct", "incorrect"))
            chosen, rejected = line["chosen"][0]["content"], line["rejected"][0]["content"]
            assert (chosen in right, rejected in wrong) == (True, True)
            shorter, longer = sorted(map(len, (chosen, rejected)))
            assert longer <= 1.25 * shorter


def texts_of(ledger: Reader, problem: str, value: str) -> set[str]:
    return {judged.attempt.text for judged in ledger.judged(problem) if judged.verdict.value == value}


def test_single_attempts_are_labelled_by_their_verdicts(run_folder: Path, export: Export, tmp_path: Path) -> None:
    export(run_folder, "trl-kto", tmp_path / "out")
    found = lines(tmp_path / "out")
    assert {line["label"] for line in found} == {True, False}
    with Reader.open(run_folder) as ledger:
        for line in found:
            value = "correct" if line["label"] else "incorrect"
            assert line["completion"][0]["content"] in texts_of(ledger, line["id"], value)


# What is held out


def test_all_that_descends_from_a_seed_is_on_one_side_of_every_format(
    run_folder: Path, export: Export, tmp_path: Path
) -> None:
    sides = []
    for trainer in ("trl-grpo", "trl-dpo", "verl", "trl-sft"):
        export(run_folder, trainer, tmp_path / trainer, holdout=0.25)
        train, test = ({line["id"] for line in lines(tmp_path / trainer, split)} for split in ("train", "test"))
        sides.append((train, test))
    with Reader.open(run_folder) as ledger:
        lineages = Lineages(ledger)
    for train, test in sides:
        assert test
        assert {lineages.of(id_) for id_ in train}.isdisjoint(lineages.of(id_) for id_ in test)
        assert test <= sides[0][1]
    assert len(lineages.names) == 37  # of 40 seeds; some children of three others repeat a problem


def test_the_same_run_holds_out_the_same_and_another_seed_something_else(
    sums: Callable[..., Any], export: Export, tmp_path: Path
) -> None:
    held = {}
    for name, seed in (("a", 1), ("again", 1), ("b", 2)):
        run = run_pipeline(sums(seed=seed), tmp_path / name).folder
        to = tmp_path / name / "out"
        export(run, "trl-kto", to, holdout=0.3)
        with Reader.open(run) as ledger:
            lineages = Lineages(ledger)
        seeds = {lineages.of(line["id"]) for line in lines(to, "test")}
        held[name] = seeds, (to / "train.jsonl").read_bytes(), (to / "README.md").read_bytes()
    assert held["a"] == held["again"]
    assert held["a"][0] != held["b"][0]


def test_two_parents_or_one_statement_make_two_lineages_one() -> None:
    class Ledger:
        def query(self, sql: str) -> Any:
            if "parentage" in sql:
                return iter([("1.2.0", "1.1.0"), ("1.2.0", "0.1.1"), ("1.1.0", "0.1.0"), ("1.1.1", "0.1.2")])
            if "statement" in sql:
                return iter(
                    [
                        ("0.1.0", "a"),
                        ("0.1.1", "b"),
                        ("0.1.2", "c - 1"),
                        ("0.1.3", "c + 1"),
                        ("1.1.1", "D"),
                        ("9.9.9", " d "),
                    ]
                )
            return iter([("0.1.0",), ("0.1.1",), ("0.1.2",), ("0.1.3",)])

    lineages = Lineages(Ledger())  # type: ignore[arg-type]  # all that is asked of one
    assert len(lineages.names) == 3
    assert len({lineages.of(id_) for id_ in ("1.2.0", "1.1.0", "0.1.0", "0.1.1")}) == 1
    assert {"0.1.2", "0.1.3", lineages.of("1.2.0")} == set(lineages.names)
    assert lineages.of("9.9.9") == lineages.of("1.1.1") == "0.1.2"


@pytest.fixture
def profiled(sums: Callable[..., Any], tmp_path: Path) -> Path:
    """A run that only attempts given problems, as `sparq profile` has it; one of them is never solved."""
    plan = sums(rounds=0, attempts={"k": 8, "seeds": True})
    rows = [{"problem": f"What is {i} + 31?", "answer": str(i + 31)} for i in range(20, 40)]
    rows.append({"problem": "What is 20 + 20?", "answer": "99"})
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    plan["plugins"][0]["with"]["path"] = "mine.jsonl"
    plan["plugins"].append({"use": "band", "with": {"correct": [0, 7]}})
    return run_pipeline(plan, tmp_path).folder


def test_a_kept_problem_that_is_never_solved_is_exported_as_one(profiled: Path, export: Export, tmp_path: Path) -> None:
    export(profiled, "trl-grpo", tmp_path / "grpo")
    unsolved = next(line for line in lines(tmp_path / "grpo", "train") if line["solution"] == r"\boxed{99}")
    assert unsolved["solve_rate"] == 0
    solved = export(profiled, "trl-sft", tmp_path / "sft")
    assert solved.left_out == {"no attempt that is right": 1}
    assert unsolved["id"] not in {line["id"] for line in lines(tmp_path / "sft", "train")}


INTERLEAVED = """
import sparq_core as sparq


class Interleaved:
    @sparq.hookimpl
    def curate(self, ledger):
        solved = [each for each in ledger.solved() if len(each.correct) > 1]
        for i in (0, 1):
            for each in solved:
                yield sparq.Example(problem=each.child.problem.id, attempt=each.correct[i])
"""


def test_attempts_at_a_problem_need_not_stand_together(
    sums: Callable[..., Any], export: Export, tmp_path: Path
) -> None:
    plan = sums(steps=20, batch=8)
    (tmp_path / "interleaved.py").write_text(INTERLEAVED)
    plan["plugins"][-1] = {"use": "./interleaved.py:Interleaved"}
    ran = run_pipeline(plan, tmp_path)
    with ran.read() as ledger:
        chosen = len(list(dataset.chosen(ledger)))
    assert chosen > 4 * dataset.NEAR
    done = export(ran.folder, "trl-sft", tmp_path / "sft")
    assert (done.rows, done.left_out) == ({"train.jsonl": chosen}, {})


def test_the_card_of_given_problems_does_not_say_that_models_wrote_them(
    profiled: Path, export: Export, tmp_path: Path
) -> None:
    count = export(profiled, "trl-grpo", tmp_path / "grpo").rows["train.jsonl"]
    card = (tmp_path / "grpo" / "README.md").read_text()
    assert "synthetic" not in card
    assert "anguage models wrote" not in card
    assert "written by language models" not in card
    assert "They were given; a language model's attempts measured how hard they are." in card
    assert "| given | 21 |" in card
    assert f"| kept | {count} |" in card
    assert "proposed" not in card.partition("## What was")[2].partition("\n")[2]
    export(profiled, "trl-sft", tmp_path / "sft")
    assert "synthetic" in (tmp_path / "sft" / "README.md").read_text()


def test_what_repeats_a_statement_is_on_its_side(sums: Callable[..., Any], export: Export, tmp_path: Path) -> None:
    plan = sums(steps=1, attempts={"k": 8, "seeds": True})
    rows = [{"problem": f"What is {i} + {j}?", "answer": str(i + j)} for i in range(20, 30) for j in (20, 31)]
    (tmp_path / "thrice.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows * 3))
    plan["plugins"][0]["with"]["path"] = "thrice.jsonl"
    plan["plugins"] = [entry for entry in plan["plugins"] if entry["use"] != "duplicates"]
    run = run_pipeline(plan, tmp_path).folder
    export(run, "trl-kto", tmp_path / "out", holdout=0.3)
    statements = {side: {_asked(line) for line in lines(tmp_path / "out", side)} for side in ("train", "test")}
    assert all(statements.values())
    assert statements["train"].isdisjoint(statements["test"])


def _asked(line: dict[str, Any]) -> str:
    return "".join(line["prompt"][-1]["content"].casefold().split())


def test_a_run_of_one_seed_has_nothing_to_hold_out(sums: Callable[..., Any], export: Export, tmp_path: Path) -> None:
    plan = sums(steps=3)
    (tmp_path / "one.jsonl").write_text('{"problem": "What is 20 + 31?", "answer": "51"}\n')
    plan["plugins"][0]["with"]["path"] = "one.jsonl"
    run = run_pipeline(plan, tmp_path).folder
    with pytest.raises(PipelineError, match="all problems come from one seed"):
        export(run, "trl-kto", tmp_path / "out", holdout=0.5)
    assert not (tmp_path / "out").exists()


# What is left out


def test_a_reference_that_the_reward_fails_is_left_out_and_counted(
    sums: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = with_verifier(sums, tmp_path, "picky.py", PICKY, "Picky", steps=20)
    to = tmp_path / "out"
    with Reader.open(run) as ledger:
        answers = [ledger.child(each.problem).problem.answer or "" for each in dataset.chosen_problems(ledger)]
    wanted = {
        "its reference is incorrect: picky": sum(answer.endswith("2") for answer in answers),
        "a wrong answer is correct: picky": sum(answer.endswith("4") for answer in answers),
    }
    assert all(wanted.values())
    export_for(exporting.Order(run=run, format=FORMATS["trl-grpo"]), str(to), as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["left_out_because"] == wanted
    assert told["left_out"] == sum(wanted.values()) == len(answers) - told["rows"]
    assert [line["answer"] for line in lines(to)] == [a for a in answers if a[-1] not in "24"]
    export_for(exporting.Order(run=run, format=FORMATS["nemo-rl"]), str(tmp_path / "nemo"), as_json=False)
    shown = capsys.readouterr().out
    card = (tmp_path / "nemo" / "README.md").read_text()
    for reason, count in wanted.items():
        assert f"  {count}  {reason}" in shown
        assert f"| chosen, but left out: `{reason}` | {count} |" in card
    assert [line["output"] for line in lines(tmp_path / "nemo")] == [line["answer"] for line in lines(to)]


def test_a_reward_is_tested_with_what_the_trainer_hands_over(sums: Callable[..., Any], tmp_path: Path) -> None:
    seeds = [{"problem": f"What is {i} + {i + 1}?", "answer": str(2 * i + 1), "hint": "add"} for i in range(20, 40)]
    (tmp_path / "hinted.jsonl").write_text("".join(json.dumps(row) + "\n" for row in seeds))
    (tmp_path / "data.py").write_text(WITH_DATA)
    plan = sums(steps=1, attempts={"k": 8, "seeds": True})
    plan["plugins"][0]["with"]["path"] = "hinted.jsonl"
    plan["plugins"].insert(4, {"use": "./data.py:WithData"})
    run = run_pipeline(plan, tmp_path).folder
    with Reward(run, workers=1) as by:
        exporting.export(exporting.Order(run=run, format=FORMATS["trl-grpo"]), tmp_path / "out", grade_by(by))
        with pytest.raises(PipelineError, match=r"has no problems: its reference is incorrect: no data \("):
            exporting.export(exporting.Order(run=run, format=FORMATS["openrlhf"]), tmp_path / "none", grade_by(by))
    found = lines(tmp_path / "out")
    assert {json.loads(line["extra"])["hint"] for line in found} == {"add"}
    assert all(line["id"].startswith("0.") for line in found)


def never(asked: Sequence[Any]) -> list[Verdict]:
    """A reward that decides nothing."""
    return [Verdict(value="unknown", reason="never") for _ in asked]


def test_a_run_without_a_wrong_attempt_has_no_pairs(sums: Callable[..., Any], export: Export, tmp_path: Path) -> None:
    (tmp_path / "always.py").write_text(ALWAYS)
    plan = sums(steps=2)
    plan["plugins"][4:5] = [{"use": "./always.py:Always"}, {"use": "band", "with": {"correct": [0, 8]}}]
    run = run_pipeline(plan, tmp_path).folder
    with pytest.raises(PipelineError, match=r"trl-dpo: the run has no pairs of attempts: no attempt that is wrong \("):
        export(run, "trl-dpo", tmp_path / "out")
    with pytest.raises(PipelineError, match=r"trl-grpo: the run has no problems: its reference is unknown: never \("):
        exporting.export(exporting.Order(run=run, format=FORMATS["trl-grpo"]), tmp_path / "out", never)
    assert not (tmp_path / "out").exists()
    assert export(run, "trl-sft", tmp_path / "out").rows["train.jsonl"] > 0


# Thinking and system prompts


@pytest.fixture(scope="module")
def thinking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a model that thinks aloud."""
    folder = tmp_path_factory.mktemp("thinking")
    (folder / "thinker.py").write_text(THINKER)
    seeds = [{"problem": f"What is {i} + {2 * i}?", "answer": str(3 * i)} for i in range(20, 32)]
    (folder / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in seeds))
    cast = ("static-uniform", "mutate", "sympy")
    plan = {
        "name": "thinking",
        "steps": 3,
        "batch": 4,
        "models": {"student": {"use": "./thinker.py:Thinker", "model": "sums"}},
        "attempts": {"k": 6},
        "plugins": [{"use": "jsonl-seeds", "with": {"path": "seeds.jsonl"}}, *({"use": use} for use in cast)],
    }
    return run_pipeline(plan, folder).folder


@pytest.mark.parametrize(
    ("trainer", "column"), [("trl-sft", "completion"), ("trl-dpo", "chosen"), ("trl-kto", "completion")]
)
def test_thinking_is_kept_or_stripped(
    thinking: Path, export: Export, tmp_path: Path, trainer: str, column: str
) -> None:
    texts = {}
    for choice in ("keep", "strip"):
        export(thinking, trainer, tmp_path / choice, thinking=choice)
        texts[choice] = [line[column][0]["content"] for line in lines(tmp_path / choice)]
    assert all(text.startswith("<think>Is it") for text in texts["keep"])
    assert not any("think>" in text or not text for text in texts["strip"])
    if trainer == "trl-sft":
        assert [without_thinking(text) for text in texts["keep"]] == texts["strip"]


def test_what_was_thought_is_never_graded() -> None:
    assert without_thinking("<think>\\boxed{1}</think>\n\nIt is \\boxed{2}.") == "It is \\boxed{2}."
    assert without_thinking("\\boxed{1}</think>\\boxed{2}") == "\\boxed{2}"
    assert without_thinking(" <think>It is \\boxed{1}") == ""
    assert without_thinking("a <think> b") == "a <think> b"
    assert trial_of("<think>\\boxed{1}</think>\\boxed{2}").attempt.text == "\\boxed{2}"


@pytest.mark.parametrize("trainer", ["trl-grpo", "trl-sft", "trl-dpo", "verl", "openrlhf", "open-instruct"])
def test_a_system_prompt_is_a_message_before_the_problem(
    run_folder: Path, export: Export, tmp_path: Path, trainer: str
) -> None:
    export(run_folder, trainer, tmp_path / "out", system="Be brief.")
    column = {"openrlhf": "input", "open-instruct": "messages"}.get(trainer, "prompt")
    for line in lines(tmp_path / "out"):
        system, user = line[column]
        assert system == {"role": "system", "content": "Be brief."}
        assert user["role"] == "user"


# What is wrong, and what is not replaced


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--for", "trl-grpo", "--format", "jsonl"], "--format does not go with --for"),
        (["--for", "verl", "--shard-rows", "9"], "--shard-rows does not go with --for"),
        (["--holdout", "0.1"], "--holdout is for --for TRAINER"),
        (["--thinking", "strip"], "--thinking is for --for TRAINER"),
        (["--for", "verl", "--thinking", "strip"], "--thinking is for attempts, and verl has none"),
        (["--for", "trl-sft", "--pairs", "2"], "--pairs is for pairs of attempts, and trl-sft has none"),
        (["--for", "nemo-rl", "--system", "Be brief."], "takes system prompts from its own settings"),
        (["--for", "trl-sft", "--holdout", "1"], "0<x<1"),
        (["--for", "trl-sft", "--to", "s3://bucket/x"], "--for writes a folder on this machine"),
        (["--for", "nothing"], "'nothing' is not one of"),
        (["RUN", "--for", "verl"], "--for takes one run"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(
    run_folder: Path, tmp_path: Path, arguments: list[str], told: str
) -> None:
    folder = Path(shutil.copytree(run_folder, tmp_path / "run"))
    before = sorted(folder.rglob("*"))
    given = [str(folder) if argument == "RUN" else argument for argument in arguments]
    done = CliRunner().invoke(cli, ["export", str(folder), *given])
    assert isinstance(done.exception, PipelineError | SystemExit)
    assert told in " ".join(f"{done.output}{done.exception}".split())
    assert sorted(folder.rglob("*")) == before


def test_an_earlier_export_is_replaced_and_nothing_else(run_folder: Path, export: Export, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(run_folder, tmp_path / "run"))
    place = folder / "dataset" / "trl-kto"
    for _ in range(2):
        assert str(place) in sparq_command("export", str(folder), "--for", "trl-kto")
    sparq_command("doctor", str(folder))
    for mine, text in (("notes.txt", "mine"), ("train.jsonl", (place / "train.jsonl").read_text() + "{}\n")):
        to = tmp_path / mine
        export(folder, "trl-kto", to)
        (to / mine).write_text(text)
        with pytest.raises(PipelineError, match="contains something other than an earlier output"):
            export(folder, "trl-kto", to)
        assert (to / mine).read_text() == text
    (tmp_path / "README.md").write_text("# Mine\n")
    with pytest.raises(PipelineError, match="contains something other than an earlier output"):
        export(folder, "trl-kto", tmp_path)


def test_a_run_whose_verifier_cannot_be_loaded_is_told(sums: Callable[..., Any], tmp_path: Path) -> None:
    run = with_verifier(sums, tmp_path, "picky.py", PICKY, "Picky", steps=1)
    (tmp_path / "picky.py").unlink()
    assert "picky.py" in refused(run, "trl-grpo", tmp_path / "out")
