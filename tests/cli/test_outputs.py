"""Where commands write: nothing is replaced but an earlier output, links and pipes stay what they are."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from runs import curate, rows, sparq_command

from sparq_core import replay
from sparq_core.ledger import storage
from sparq_core.ledger.writer import Ledger


@pytest.fixture
def folder(run_folder: Path, tmp_path: Path) -> Path:
    """A finished run of one's own."""
    return Path(shutil.copytree(run_folder, tmp_path / "run"))


@pytest.mark.parametrize("own", ["sparq.db", ".lock", "sparq.db-journal", "dataset/round-1.jsonl", "pipeline.yaml"])
@pytest.mark.parametrize("command", ["export", "curate"])
def test_what_a_run_keeps_is_never_replaced(folder: Path, own: str, command: str) -> None:
    path = folder / own
    before = path.read_bytes() if path.exists() else None
    told = sparq_command(command, str(folder), "--to", str(path), code=2)
    assert f"{path}: " in told
    assert "choose another --to" in told
    assert (path.read_bytes() if path.exists() else None) == before
    assert "kept" in sparq_command("status", str(folder))


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_an_earlier_export_is_replaced_and_another_table_is_not(folder: Path, tmp_path: Path, kind: str) -> None:
    to = tmp_path / f"data.{kind}"
    command = ["export", str(folder), "--to", str(to)]
    sparq_command(*command)
    before = to.read_bytes()
    sparq_command(*command)
    assert to.read_bytes() == before
    other = {"problem": "mine", "answer": "1"}
    if kind == "jsonl":
        to.write_text(json.dumps(other) + "\n")
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist([other]), to)
    before = to.read_bytes()
    assert "is not an earlier output of this command" in sparq_command(*command, code=2)
    assert to.read_bytes() == before
    assert not to.with_name(to.name + ".partial").exists()


def test_a_link_stays_and_what_it_leads_to_is_written(folder: Path, tmp_path: Path) -> None:
    link, target = tmp_path / "link.jsonl", tmp_path / "elsewhere" / "data.jsonl"
    target.parent.mkdir()
    link.symlink_to(target)
    for _ in range(2):
        sparq_command("export", str(folder), "--to", str(link))
    assert link.is_symlink()
    assert len(rows(target)) > 10
    link.unlink()
    link.symlink_to(folder / storage.DATABASE)
    assert "belongs to a run" in sparq_command("export", str(folder), "--to", str(link), code=2)


def test_a_pipe_and_standard_output_get_the_rows_alone(folder: Path, tmp_path: Path) -> None:
    sparq_command("export", str(folder))
    expected = (folder / "dataset" / "export.jsonl").read_bytes()
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    sparq_command("export", str(folder), "--to", str(pipe))
    reader.join(10)
    assert read == [expected]
    assert pipe.is_fifo()
    command = [sys.executable, "-m", "sparq_core.cli", "export", str(folder), "--to", "/dev/stdout"]
    assert subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout == expected
    with (tmp_path / "out").open("wb") as out:
        subprocess.run(command, stdout=out, stderr=subprocess.DEVNULL, check=True)
    assert (tmp_path / "out").read_bytes() == expected
    assert Path("/dev/full").is_char_device()


def test_a_folder_is_no_file(folder: Path) -> None:
    assert "is a directory" in sparq_command("curate", str(folder), "--to", str(folder), code=2)


def test_a_curation_that_was_killed_does_not_block_the_next(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Kill(BaseException):
        """As if by kill -9."""

    def killed(*_: object) -> None:
        raise Kill

    (folder / "dataset" / "curation-2.jsonl").write_text("as an older version left it")
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "add_curation", killed)
        with pytest.raises(Kill):
            replay.curate(folder, "curate-band", [], None)
    assert "curation-2.jsonl" in curate(folder)
    assert len(rows(folder / "dataset" / "curation-2.jsonl")) > 10
    assert "belongs to a run" in curate(folder, "--to", str(folder / "dataset" / "curation-2.jsonl"), code=2)


def test_a_graded_file_may_take_the_place_of_an_earlier_one_only(tmp_path: Path) -> None:
    file, out = tmp_path / "given.jsonl", tmp_path / "graded.jsonl"
    file.write_text(json.dumps({"answer": "2", "solution": "\\boxed{2}"}) + "\n")
    for _ in range(2):
        sparq_command("grade", str(file), "--out", str(out))
    assert rows(out)[0]["verdict"] == "correct"
    sparq_command("grade", str(out), "--out", str(out))
    assert rows(out)[0]["final_answer"] == "2"
    assert "is not an earlier output" in sparq_command("grade", str(file), "--out", str(file), code=2)
    assert rows(file) == [{"answer": "2", "solution": "\\boxed{2}"}]
