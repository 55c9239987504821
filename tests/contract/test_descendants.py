"""What a process has begun is found and ended, whatever session it is in and whoever its parent was."""

import os
import subprocess
import sys
from pathlib import Path

from processes import left_of

from sparq_core.contract.descendants import descendants, end_descendants

ORPHANS = """
import os, subprocess, sys, time
from sparq_core.contract.descendants import adopt_orphans, descendants, end_descendants
adopt_orphans()
daemon = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"
subprocess.run([sys.executable, "-c", daemon], check=True, start_new_session=True)
(orphan,) = descendants(os.getpid())
end_descendants(os.getpid())
print(orphan)
"""


CHILDREN = """
import os, subprocess, time
from sparq_core.contract.descendants import descendants, end_descendants
shell = subprocess.Popen(["sh", "-c", "sleep 600 & setsid sleep 600 & wait"], start_new_session=True)
while len(begun := descendants(os.getpid())) < 3:
    time.sleep(0.01)
assert begun - {shell.pid} == descendants(shell.pid)
end_descendants(os.getpid())
shell.wait()
print(*begun)
"""


def test_children_in_sessions_of_their_own_are_found_and_ended() -> None:
    done = subprocess.run([sys.executable, "-c", CHILDREN], capture_output=True, text=True, check=True)
    begun = {int(pid) for pid in done.stdout.split()}
    assert len(begun) == 3
    assert left_of(begun) == []


def test_orphans_are_adopted_and_ended() -> None:
    done = subprocess.run([sys.executable, "-c", ORPHANS], capture_output=True, text=True, check=True)
    assert left_of({int(done.stdout)}) == []


def test_where_there_is_nothing_to_end_nothing_is_done() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
        assert descendants(process.pid) == set()
        end_descendants(process.pid)
    assert Path(f"/proc/{os.getpid()}").exists()
