"""What `sparq grade` reads: JSON lines, plain or gzipped; a file that cannot be graded leaves nothing behind."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import sparq_core as sparq
from sparq_core.cli import cli

ROW = json.dumps({"problem": "1 + 1?", "answer": "2", "solution": r"\boxed{2}"}) + "\n"


@pytest.mark.parametrize(
    "data",
    [ROW.encode() * 2, b"\xef\xbb\xbf" + f"{ROW}\n\n{ROW}".encode(), gzip.compress(ROW.encode() * 2)],
    ids=["plain", "mark and blank lines", "gzip"],
)
def test_rows_are_read_whatever_their_file_is_called(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "rows").write_bytes(data)
    out = tmp_path / "[b] graded"
    done = CliRunner().invoke(cli, ["grade", str(tmp_path / "rows"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert [json.loads(line)["verdict"] for line in out.read_text().splitlines()] == ["correct", "correct"]


def test_a_line_that_cannot_be_graded_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text(ROW * 300 + '{"deep": ' + "[" * 5_000)
    out = tmp_path / "graded"
    with pytest.raises(sparq.PipelineError, match="rows, line 301: is nested deeper than 100"):
        CliRunner().invoke(cli, ["grade", str(tmp_path / "rows"), "--out", str(out)], catch_exceptions=False)
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]
