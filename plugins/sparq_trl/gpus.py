"""The GPUs that a training may use, without loading what drives them."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

QUERY = ("--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits")
PATIENCE = 20.0
"""Seconds that a driver may take to answer."""
MIB = 2**20


class Gpu(NamedTuple):
    """One GPU."""

    name: str
    """As CUDA_VISIBLE_DEVICES names it: its number or its UUID."""
    memory: int
    """Bytes."""


def visible() -> list[Gpu]:
    """The GPUs that `nvidia-smi` tells of, those of CUDA_VISIBLE_DEVICES where that is set; none where there is no driver."""
    rows = [line.split(", ") for line in _told().splitlines()]
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shown is None:
        return [Gpu(uuid, int(memory) * MIB) for _, uuid, memory in rows]
    names = [name.strip() for name in shown.split(",") if name.strip()]
    return [Gpu(name, int(memory) * MIB) for name in names for memory in _memory_of(name, rows)]


def _memory_of(name: str, rows: Sequence[Sequence[str]]) -> list[str]:
    return [memory for index, uuid, memory in rows if name == index or uuid.startswith(name)][:1]


def _told() -> str:
    command = shutil.which("nvidia-smi")
    if command is None:
        return ""
    try:
        done = subprocess.run([command, *QUERY], capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout if done.returncode == 0 else ""
