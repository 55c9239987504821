"""Every command closes each ledger that it opens, which Python 3.13 and newer warn of, also where it ends in an error."""

import gc
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sparq_core.cli import cli


class Watched(sqlite3.Connection):
    """A connection that is noted if it goes without having been closed."""

    left_open = 0
    opened = 0

    def __init__(self, *arguments: Any, **how: Any) -> None:
        super().__init__(*arguments, **how)
        self.is_closed = False
        Watched.opened += 1

    def close(self) -> None:
        super().close()
        self.is_closed = True

    def __del__(self) -> None:
        Watched.left_open += not self.is_closed


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **how: connect(*given, **{"factory": Watched, **how}))
    Watched.opened = Watched.left_open = 0
    yield
    gc.collect()
    assert Watched.opened
    assert not Watched.left_open


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["status", "RUN"], 0),
        (["show", "RUN", "0.1.0"], 0),
        (["show", "RUN", "9.9.9"], None),
        (["export", "RUN"], 0),
        (["export", "RUN", "--grading", "7"], None),
        (["report", "RUN"], 0),
        (["curate", "RUN", "--by", "quality", "--budget", "3"], 0),
        (["regrade", "RUN", "--set", "attempts.min_decided=1.0"], 0),
        (["doctor", "RUN"], 0),
        (["label", "RUN"], 0),
        (["preview", "PIPELINE"], 0),
        (["run", "PIPELINE", "--out", "NEW"], 0),
        (["run", "PIPELINE", "--out", "RUN", "--resume", "--set", "steps=9"], 0),
        (["migrate", "RUN", "--to", "NEW"], None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
@pytest.mark.usefixtures("watched")
def test_what_a_command_opens_it_closes(
    run_folder: Path, tmp_path: Path, arguments: list[str], code: int | None
) -> None:
    shutil.copytree(run_folder, tmp_path / "run")
    (tmp_path / "pipeline.yaml").write_bytes((run_folder.parent / "pipeline.yaml").read_bytes())
    places = {"RUN": tmp_path / "run", "NEW": tmp_path / "new", "PIPELINE": tmp_path / "pipeline.yaml"}
    done = CliRunner().invoke(cli, [str(places.get(given, given)) for given in arguments])
    if code is None:
        assert done.exception
    else:
        assert done.exit_code == code, done.output
