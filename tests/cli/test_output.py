"""Printing ends nothing: poor encodings, a full disk, a closed output, a reader or a terminal that is gone."""

import codecs
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sparq_core.cli import output

SPARQ = [sys.executable, "-m", "sparq_core.cli"]
POOR: list[Mapping[str, str]] = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
]


@pytest.fixture
def pipeline(sums: Callable[..., Any], tmp_path: Path) -> list[str]:
    import json

    path = tmp_path / "sums.json"
    path.write_text(json.dumps(sums(steps=2, batch=3, attempts={"k": 4})))
    return ["run", str(path), "--out", str(tmp_path / "run")]


@pytest.mark.parametrize("locale", POOR, ids=str)
def test_any_locale_shows_a_run(run_folder: Path, locale: Mapping[str, str]) -> None:
    for arguments in (["status", str(run_folder)], ["show", str(run_folder), "1.1.1"]):
        done = subprocess.run([*SPARQ, *arguments], env={**os.environ, **locale}, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"problem" in done.stdout


@pytest.mark.parametrize("locale", POOR, ids=str)
def test_any_locale_shows_an_error_of_any_text(locale: Mapping[str, str]) -> None:
    done = subprocess.run(
        [*SPARQ, "status", "/no/sü→\udcff"], env={**os.environ, **locale}, capture_output=True, check=False
    )
    assert (done.returncode, b"Traceback" in done.stderr, b"there is no run here" in done.stderr) == (2, False, True)


def test_characters_that_an_encoding_lacks_are_shown_by_others() -> None:
    codecs.register_error("alike", output._alike)
    assert "a → b … ± 3 × ☃".encode("ascii", "alike") == b"a -> b ... +/- 3 x ?"
    assert "± ☃".encode("latin-1", "alike") == b"\xb1 ?"


@pytest.mark.parametrize("streams", ["1", "2", "both"])
@pytest.mark.parametrize("kind", ["full", "closed"])
def test_a_run_goes_on_without_its_display(pipeline: list[str], kind: str, streams: str, tmp_path: Path) -> None:
    numbers = ["1", "2"] if streams == "both" else [streams]
    where = " ".join(f"{number}>{'/dev/full' if kind == 'full' else '&-'}" for number in numbers)
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {where}', "sh", *SPARQ, *pipeline], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"ignored" not in done.stderr
    assert (tmp_path / "run" / "dataset" / "round-1.jsonl").stat().st_size


def test_what_was_only_to_be_printed_and_could_not_be_is_an_error(run_folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*SPARQ, "status", str(run_folder), "--json"], stdout=full, stderr=subprocess.PIPE, check=False, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "error: standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("command", ["status", "show"])
def test_a_reader_that_has_seen_enough_is_no_error(run_folder: Path, command: str) -> None:
    arguments = [*SPARQ, command, str(run_folder), *(["1.1.1"] if command == "show" else [])]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(arguments, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_run_outlives_its_terminal(pipeline: list[str], tmp_path: Path) -> None:
    """The terminal is gone, and what is printed to it fails with EIO."""
    ours, theirs = pty.openpty()
    deaf = ["/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh", *SPARQ, *pipeline]
    process = subprocess.Popen(deaf, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    os.read(ours, 1)
    os.close(ours)
    assert process.wait() == 0
    assert (tmp_path / "run" / "dataset" / "round-1.jsonl").stat().st_size


def test_no_file_takes_the_place_of_a_closed_stream(pipeline: list[str], tmp_path: Path) -> None:
    closed = ["/bin/sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *SPARQ, *pipeline]
    assert subprocess.run(closed, check=False).returncode == 0
    assert (tmp_path / "run" / "sparq.db").read_bytes().startswith(b"SQLite format 3")


def test_a_full_pipe_that_does_not_wait_is_waited_for() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    stream = output.Lenient(writer)
    assert stream.write(b"x" * 70_000) == 65_536
    os.read(reader, 65_536)
    assert stream.write(b"y") == 1
    os.close(reader)
    assert stream.write(b"z") == 1
    assert stream.lost is not None
    os.close(writer)
