"""Whatever stands where an input belongs: one short message with place, thing and remedy, soon, and nothing written."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hostile_inputs import (
    LINES,
    PIPELINE,
    PLACES,
    READ,
    ROWS,
    SETTINGS,
    STUDIES,
    STUDY,
    TEXTS,
    VALID,
    pipeline_text,
    seed_lines,
)

import sparq_core as sparq
from sparq_core.cli import cli
from sparq_core.cli.check import check
from sparq_core.contract.messages import LONGEST_LINE
from sparq_core.contract.texts import inert
from sparq_core.pipeline import prepare
from sparq_core.pipeline.file import load_pipeline, mapping_in, pipeline_of
from sparq_core.study.plan import plan
from sparq_seeds import FileConfig, JsonlSeeds

SECONDS = 6.0
"""Two on an idle machine."""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(VALID)
    (tmp_path / "seeds.jsonl").write_text(LINES)
    return tmp_path


def refused(act: Callable[[], Any], said: str) -> str:
    """The message of the error that it ends in: soon, short, inert."""
    began = time.process_time()
    with pytest.raises(sparq.PipelineError) as raised:
        act()
    message = str(raised.value)
    assert said in message
    assert message == inert(message, block=True)
    assert len(message) < LONGEST_LINE + 200
    assert time.process_time() - began < SECONDS
    return message


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_no_pipeline_and_no_study(work: Path, name: str) -> None:
    data, said = TEXTS[name]
    (work / "x.yaml").write_bytes(data)
    assert refused(lambda: load_pipeline(Path("x.yaml")), said).startswith("x.yaml: ")
    assert refused(lambda: plan(Path("x.yaml")), "").startswith("x.yaml: ")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting[:40].encode("unicode_escape").decode())
def test_a_setting_beyond_reason(work: Path, setting: str) -> None:
    def act() -> None:
        loaded = prepare.load(Path("p.yaml"), [setting])
        prepare.warnings_of(loaded)

    refused(act, SETTINGS[setting])


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_beyond_reason(work: Path, name: str) -> None:
    changes, said = STUDIES[name]
    (work / "s.yaml").write_text(yaml.safe_dump(STUDY | changes))
    refused(lambda: plan(Path("s.yaml")), said)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("what", ["pipeline", "study", "base", "seeds", "plugin", "chat template"])
def test_what_stands_where_a_file_belongs(work: Path, place: str, what: str) -> None:
    make, said = PLACES[place]
    make(work / "x.py")
    if what in {"pipeline", "study"}:
        read: Callable[[Path], Any] = prepare.load if what == "pipeline" else plan
        refused(lambda: read(Path("x.py")), said)
        return
    if what == "base":
        (work / "s.yaml").write_text(yaml.safe_dump(STUDY | {"base": "x.py"}))
        refused(lambda: plan(Path("s.yaml")), said)
        return
    setting = {
        "seeds": "plugins.jsonl-seeds.with.path=x.py",
        "plugin": "plugins.mutate={use: './x.py:X'}",
        "chat template": "models.student.chat_template=x.py",
    }[what]
    if what != "chat template" and said in {"no such file", "broken link"} and "itself" not in place:
        said = "there is no file"
    refused(lambda: prepare.warnings_of(prepare.load(Path("p.yaml"), [setting])), said)


def seeds_of(data: bytes) -> list[sparq.Draft]:
    Path("seeds.jsonl").write_bytes(data)
    seeds = JsonlSeeds(FileConfig(path="seeds.jsonl"))
    if findings := seeds.check():
        raise sparq.PipelineError(findings[0].message)
    return list(seeds.load_seeds())


@pytest.mark.parametrize("name", ROWS)
def test_seeds_that_cannot_be_read(work: Path, name: str) -> None:
    data, said = ROWS[name]
    assert "seeds.jsonl" in refused(lambda: seeds_of(data), said)


@pytest.mark.parametrize("name", READ)
def test_seeds_that_look_odd_and_are_read(work: Path, name: str) -> None:
    data, count = READ[name]
    began = time.process_time()
    drafts = seeds_of(data)
    assert time.process_time() - began < SECONDS
    assert len(drafts) == count
    for draft in drafts:
        f"{draft.statement}{draft.answer}{draft.extra}".encode()


def test_gzipped_seeds_are_counted_for_a_sample(work: Path) -> None:
    (work / "seeds.jsonl").write_bytes(READ["gzip"][0])
    assert len(list(JsonlSeeds(FileConfig(path="seeds.jsonl", limit=5, sample=1)).load_seeds())) == 5


@pytest.mark.parametrize("command", ["check", "run", "preview", "study", "curate", "grade", "audit"])
def test_every_command_refuses_what_it_is_given_and_writes_nothing(work: Path, command: str) -> None:
    """One process for each command that takes an input: nothing hangs, nothing is written, nothing is traced."""
    (work / "bad.yaml").write_bytes(TEXTS["billion laughs"][0])
    (work / "bad.jsonl").write_bytes(ROWS["nested lists"][0])
    given = {
        "curate": ["bad.yaml", "--use", "./bad.yaml:X"],
        "audit": ["bad.yaml"],
        "grade": ["bad.jsonl", "--out", "graded.jsonl"],
    }.get(command, ["bad.yaml"])
    before = sorted(work.rglob("*"))
    began = time.process_time()
    done = subprocess.run(
        [sys.executable, "-m", "sparq_core.cli", command, *given], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < LONGEST_LINE + 200
    assert sorted(work.rglob("*")) == before
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("out", ["[/]", "a b", "[red]x[/red]", "a\nb", "ü", "-x", "'"])
def test_a_run_folder_may_have_any_name(work: Path, out: str) -> None:
    done = CliRunner().invoke(cli, ["run", "p.yaml", "--set", "budget={}", "--out", f"./{out}"])
    assert done.exit_code == 0, done.output
    assert (work / out / "sparq.db").exists()
    for command in ("status", "export"):
        assert CliRunner().invoke(cli, [command, f"./{out}"]).exit_code == 0


def test_a_folder_whose_name_is_no_text_is_refused(work: Path) -> None:
    folder = Path(b"a\xff".decode("utf-8", "surrogateescape"))
    refused(
        lambda: CliRunner().invoke(cli, ["run", "p.yaml", "--out", str(folder)], catch_exceptions=False),
        "not valid UTF-8",
    )
    assert not folder.exists()
    folder.mkdir()
    (folder / "p.yaml").write_text(VALID)
    refused(lambda: prepare.load(folder / "p.yaml"), "not valid UTF-8")


def test_findings_are_short_and_inert(work: Path) -> None:
    (work / "seeds.jsonl").write_text("\n")
    name = "x\x1b[2J" * 20_000
    (work / "p.yaml").write_text(yaml.safe_dump(PIPELINE))
    finding = sparq.Finding(level="error", place="here", message=name)
    loaded = prepare.load(Path("p.yaml"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(loaded.cast), "check", lambda *_: [finding])
        done = CliRunner().invoke(check, ["p.yaml"])
    assert done.exit_code == 2
    assert "\x1b[2J" not in done.output
    assert len(done.output) < 2_000


def test_a_message_keeps_its_ends_and_its_lines() -> None:
    error = sparq.SparqError(f"p.yaml: '{'x' * 200_000}' is wrong; fix it\nsecond line")
    first, second = str(error).split("\n")
    assert first.startswith("p.yaml: 'xxx")
    assert first.endswith("is wrong; fix it")
    assert len(first) < LONGEST_LINE + 100
    assert second == "second line"
    many = str(sparq.PipelineError("\n".join(f"line {i}" for i in range(1_000))))
    assert many.startswith("line 0\n")
    assert many.endswith("line 999")
    assert len(many.splitlines()) < 50


def _cases(seed: int, count: int) -> Iterator[Random]:
    return (Random(f"{seed} {i}") for i in range(count))


def test_mutated_pipelines_are_read_or_refused() -> None:
    read, told = 0, list[str]()
    for rng in _cases(1, 150):
        text = pipeline_text(rng)
        try:
            pipeline_of(mapping_in(text, "p.yaml"), "p.yaml")
            read += 1
        except sparq.PipelineError as error:
            told.append(str(error))
    assert read
    assert told
    assert all(message.startswith("p.yaml: ") for message in told)


def test_mutated_seeds_are_read_or_refused(work: Path) -> None:
    read, told = 0, list[str]()
    for rng in _cases(2, 1_000):
        try:
            read += bool(seeds_of(seed_lines(rng)))
        except sparq.PipelineError as error:
            told.append(str(error))
    assert read
    assert told
    assert all("seeds.jsonl" in message for message in told)
