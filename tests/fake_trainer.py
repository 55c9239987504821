"""A trainer that does what the file `how` beside it says: `python fake_trainer.py MODEL DATASET OUT`."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

here, (model, dataset, out) = Path(__file__).parent, map(Path, sys.argv[1:])
how = (here / "how").read_text()
sys.stdout.write(f"training on {len(dataset.read_bytes().splitlines())} examples\n")
shutil.copytree(model, out, dirs_exist_ok=True)
weights = bytearray((out / "model.safetensors").read_bytes())
if how != "returns the input unchanged":
    weights[-1] ^= 1
(out / "model.safetensors").write_bytes(weights[: -4 if how == "writes half a model" else None])
if how == "ignores SIGTERM":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if how == "prints a megabyte":
    sys.stdout.write("\x1b[2J" + "x" * 2**20 + "\n")
if how in {"leaves children behind", "hangs", "ignores SIGTERM"}:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    (here / "at work").write_text(f"{os.getpid()} {child.pid}")
if how in {"hangs", "ignores SIGTERM"}:
    time.sleep(600)
sys.exit(3 if how in {"fails", "prints a megabyte"} else 0)
