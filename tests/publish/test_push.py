"""`sparq push`, by the Hub's real client against a stand-in for the Hub."""

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import Hub, hub

from sparq_core.publish.export import Order, export

COMMAND = [sys.executable, "-m", "sparq_core.cli", "push"]


class Pusher:
    """Calls the command."""

    def __init__(self, endpoint: str, home: Path) -> None:
        self.terminals: list[int] = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(home),
            "HF_TOKEN": "hf_good",
            "HF_HUB_DISABLE_XET": "1",
        }

    def __call__(self, *arguments: str | Path, code: int = 0, answer: str | None = None, **more: str) -> str:
        command, environment = [*COMMAND, *map(str, arguments)], {**self.environment, **more}
        given: int | None = subprocess.DEVNULL
        if answer is not None:
            terminal, given = pty.openpty()
            os.write(terminal, f"{answer}\n".encode())
            self.terminals += [terminal, given]
        done = subprocess.run(
            command,
            env=environment,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        assert "Traceback" not in done.stdout
        assert "hf_good" not in done.stdout
        return done.stdout


@pytest.fixture
def push(tmp_path: Path) -> Iterator[Pusher]:
    with hub() as endpoint:
        pusher = Pusher(endpoint, tmp_path / "home")
        yield pusher
    for descriptor in pusher.terminals:
        os.close(descriptor)


def written() -> list[str]:
    """What was asked of the Hub that changes something."""
    return [asked for asked in Hub.asked if not asked.startswith("GET")]


def test_a_runs_dataset_is_sent_privately_and_again(run_folder: Path, push: Pusher) -> None:
    told = push(run_folder, "sums", "--yes", "--license", "mit")
    assert "dataset me/sums (new, private)" in told
    assert f"sent: {push.environment['HF_ENDPOINT']}/datasets/me/sums" in told
    repo = Hub.repos["datasets/me/sums"]
    assert repo.private
    assert set(repo.files) == {".gitattributes", "README.md", "data/train-00000-of-00001.parquet"}
    assert repo.files["data/train-00000-of-00001.parquet"].startswith(b"PAR1")
    assert b"license: mit" in repo.files["README.md"]
    assert b"load_dataset('me/sums'" in repo.files["README.md"]
    repo.files["data/train-00001-of-00002.parquet"] = b"of an earlier push"
    told = push(run_folder, "me/sums", "--yes", "--json")
    assert "exists, private" in told
    assert "1 file of an earlier push will be deleted" in told
    assert set(repo.files) == {".gitattributes", "README.md", "data/train-00000-of-00001.parquet"}
    assert len(repo.commits) == 3


def test_a_folder_with_a_card_that_was_edited_is_sent_as_it_is(run_folder: Path, push: Pusher, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(Order(runs=[run_folder], kind="jsonl", shard_rows=300), str(out))
    (out / "README.md").write_text((out / "README.md").read_text() + "\nMine.\n")
    for _ in range(2):
        push(out, "team/sums", "--yes", "--public")
    repo = Hub.repos["datasets/team/sums"]
    assert not repo.private
    sent = {name: data for name, data in repo.files.items() if name != ".gitattributes"}
    assert sent == {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert "is public; confirm with --public" in push(out, "team/sums", "--yes", code=2)
    repo.files["README.md"] += b"\nEdited on the Hub.\n"
    assert "or its card was edited there" in push(out, "team/sums", "--yes", "--public", code=2)


def test_a_model_is_sent_with_its_card_and_nothing_else(run_folder: Path, push: Pusher, tmp_path: Path) -> None:
    run = Path(shutil.copytree(run_folder, tmp_path / "run"))
    model = run / "models" / "round-1"
    model.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "README.md", "optimizer.state"):
        (model / name).write_text(f"of {name}")
    push(run, "sums-1", "--model", "round-1", "--yes")
    repo = Hub.repos["models/me/sums-1"]
    assert set(repo.files) == {".gitattributes", "README.md", "config.json", "model.safetensors"}
    assert repo.files["model.safetensors"] == b"of model.safetensors"
    assert "it has round-1" in push(run, "sums-1", "--model", "round-2", "--yes", code=2)
    assert "it has round-1" in push(run, "sums-1", "--model", "../dataset", "--yes", code=2)


def test_nothing_is_sent_unless_somebody_agrees(run_folder: Path, push: Pusher) -> None:
    assert "--yes sends without asking" in push(run_folder, "sums", code=2)
    assert not Hub.asked
    told = push(run_folder, "sums", answer="n", code=1)
    assert "README.md" in told
    assert "nothing was sent" in told
    assert not written()
    push(run_folder, "sums", answer="y")
    assert "datasets/me/sums" in Hub.repos


def test_what_is_not_ours_is_left_alone(run_folder: Path, push: Pusher, tmp_path: Path) -> None:
    push(run_folder, "sums", "--yes")
    repo = Hub.repos["datasets/me/sums"]
    repo.files["notes.txt"] = b"mine"
    before, asked = dict(repo.files), len(written())
    assert "contains something other" in push(run_folder, "sums", "--yes", code=2)
    assert (repo.files, len(written())) == (before, asked)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "README.md").write_text("mine")
    (tmp_path / "x" / "secret.txt").write_text("mine")
    assert "is neither a run folder nor" in push(tmp_path / "x", "sums", "--yes", code=2)


def test_tokens_and_networks_that_fail_are_told_in_a_line(run_folder: Path, push: Pusher, tmp_path: Path) -> None:
    assert "does not accept the token" in push(run_folder, "sums", "--yes", code=2, HF_TOKEN="hf_wrong")  # noqa: S106
    assert "hf_wrong" not in push(run_folder, "sums", "--yes", code=2, HF_TOKEN="hf_wrong")  # noqa: S106
    assert "has no write access" in push(run_folder, "sums", "--yes", code=2, HF_TOKEN="hf_reader")  # noqa: S106
    assert "there is no token" in push(run_folder, "sums", "--yes", code=2, HF_TOKEN="")
    assert "cannot be reached" in push(run_folder, "sums", "--yes", code=1, HF_ENDPOINT="http://127.0.0.1:9")
    assert "HF_HUB_OFFLINE is set" in push(run_folder, "sums", "--yes", code=1, HF_HUB_OFFLINE="1")
    assert "is not the name of a repository" in push(run_folder, "a b/../c", "--yes", code=2)
    Hub.fails["/commit/"] = 422
    assert "the Hub refuses (422): as the test has it" in push(run_folder, "sums", "--yes", code=1)
    assert not any(asked.endswith("blob") for asked in Hub.asked)
