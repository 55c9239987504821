"""
A command at work on a slow and fitful processor: `python tests/sweeps/slowed.py python tests/torture.py --minutes 5`.

All its processes are stopped together again and again, for up to a tenth of a second, and get on for as long between: no other
process is kept from its work, as it would be by one that keeps the processor busy.
"""

import os
import random
import signal
import subprocess
import sys
import time

LONGEST = 0.1


def main() -> int:
    """The command's exit code."""
    process = subprocess.Popen(sys.argv[1:], start_new_session=True)
    while process.poll() is None:
        for number in (signal.SIGSTOP, signal.SIGCONT):
            os.killpg(process.pid, number)
            time.sleep(random.uniform(0, LONGEST))
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
