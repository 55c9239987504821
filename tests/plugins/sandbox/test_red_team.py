"""Everything a program might try against the sandbox, as root and as nobody, alone and from eight threads."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacks import ATTACKS, IMPORTS, PRELUDE, WALL
from red_team import endless, escaped, furnish, untouched

from sparq_sandbox import Sandbox, available

pytestmark = pytest.mark.skipif(not available(), reason=available().why)
HERE = Path(__file__).parent
PLUGINS = HERE.parents[2] / "plugins"
NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "target"
    made.mkdir()
    furnish(made)
    return made


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder that other users may read; pytest keeps its own to itself."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_there_are_many_attacks_each_with_a_name_of_its_own() -> None:
    names = [attack.name for attack in (*ATTACKS, *WALL)]
    assert len(names) == len(set(names)) > 200


@pytest.mark.parametrize("threads", [1, 8])
def test_every_attack_is_held(folder: Path, threads: int) -> None:
    assert escaped(folder, os.getpid(), threads) == {}
    assert untouched(folder)


def test_programs_that_wait_for_ever_end(folder: Path) -> None:
    assert endless(2) == {}


@pytest.mark.skipif(os.getuid() != 0, reason="this is no root, so all other tests are of such a user")
def test_every_attack_of_a_user_without_privileges_is_held(everybodys: Path) -> None:
    python = python_for_nobody()
    shutil.copytree(PLUGINS / "sparq_sandbox", everybodys / "sparq_sandbox")
    for name in ("attacks.py", "red_team.py"):
        shutil.copy(HERE / name, everybodys)
    folder = everybodys / "target"
    folder.mkdir()
    furnish(folder)
    with subprocess.Popen([python, "-c", "input()"], stdin=subprocess.PIPE, user=NOBODY, group=NOBODY) as owner:
        done = subprocess.run(
            [python, "-B", everybodys / "red_team.py", folder, str(owner.pid), "2"],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            env={"PYTHONPATH": str(everybodys)},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert owner.poll() is None
        owner.communicate(b"\n")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"user": NOBODY, "attacks": len(ATTACKS) + len(WALL), "escaped": {}}
    assert untouched(folder)


def python_for_nobody() -> str:
    """An interpreter that another user may start."""
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/bin/python3.11", "/usr/local/bin/python3"):
        try:
            subprocess.run(
                [candidate, "-c", "import sys, ctypes, sqlite3; sys.exit(sys.version_info < (3, 11))"],
                user=NOBODY,
                env={},
                cwd="/",
                capture_output=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    pytest.skip("no Python 3.11 that nobody may start")


def test_the_attacks_are_real(folder: Path) -> None:
    """Without a sandbox each one that is tame gets what it wants, so it is the sandbox that holds them."""
    for name in ("written", "base", "attached", "made", "link", "fifo"):
        assert not (folder / name).exists()
    program = f"{PRELUDE}import asyncio, multiprocessing, shutil, sqlite3, subprocess, tempfile\n"
    program += "attacks, arguments = json.load(sys.stdin)\nfor name, source in attacks:\n"
    program += "    if not (pid := os.fork()):\n        names = {}; exec(source, names)\n"
    program += "        os._exit(names['attack'](*arguments) != 'escaped')\n"
    program += "    if os.waitpid(pid, 0)[1]: print(name)\n"
    tame = [(attack.name, attack.source) for attack in ATTACKS if attack.tame]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        input=json.dumps([tame, [str(folder), os.getpid()]]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    assert len(tame) > 150
    assert (folder / "written").exists()


def test_no_run_finds_what_another_was_given() -> None:
    """The same search finds it in its own process, so it would."""
    (search,) = [attack for attack in ATTACKS if attack.name == "search_memory"]
    kept = "kept = [b'SECRET-OF-' + b'ANOTHER%d' % i + bytes(2000) for i in range(3000)]\n"
    with Sandbox(imports=IMPORTS) as sandbox:
        assert sandbox.run(kept + search.source, entry="attack", arguments=("", 0)).value == "escaped"
        assert sandbox.run(search.source, entry="attack", arguments=("", 0)).value == "held"
