"""
Faults of the disk, at will: the Nth call by which a process changes files below one folder fails, tears or is its last.

`shim.c` does it, loaded into the process by LD_PRELOAD and told what to do by the environment:

| variable | holds |
|---|---|
| `SPARQ_FAULT_FOLDER` | the folder; calls elsewhere are left alone |
| `SPARQ_FAULT_CALL` | which call counts (`write`, `pwrite`, `fsync`, `rename`, `open`, …); empty: all but locks |
| `SPARQ_FAULT_NTH` | which of them fails |
| `SPARQ_FAULT_WHAT` | 0: the process is killed before it; −1: in the midst of it; else an errno (+65536: from there on) |
| `SPARQ_FAULT_LIST` | a file that gets a line for each call: its name and path |
| `SPARQ_FAULT_LOG` | a file that gets each call that was done, with its data |

A process that has the shim loaded can arm itself later, which makes thousands of faults cheap: see `in_child`.
"""

import ctypes
import functools
import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

LASTING = 0x10000
SHIM = Path(__file__).with_name("shim.c")
needs_compiler = pytest.mark.skipif(
    not shutil.which("cc"), reason="the shim that makes faults is written in C, and there is no cc here"
)


class Fault(NamedTuple):
    """What goes wrong."""

    call: str | None
    """The call that is counted, None for any but locks."""
    nth: int
    """Which of them it is, from 1."""
    what: int | Literal["kill", "torn"] = "kill"
    """An errno that it fails with; or the process is killed before it, or once half of its data is written."""
    lasting: bool = False
    """Whether all such calls fail from there on, and not this one only."""

    @property
    def code(self) -> int:
        """What the shim is told."""
        if isinstance(self.what, str):
            return {"kill": 0, "torn": -1}[self.what]
        return self.what | LASTING * self.lasting


class Call(NamedTuple):
    """A call that was made."""

    name: str
    path: Path


class Change(NamedTuple):
    """A call that was done, with what it did."""

    name: str
    path: Path
    other: Path | None
    """The new name, of a call that has two."""
    number: int
    """The offset of a write, the length that a file was cut to, the flags that it was opened with."""
    data: bytes


@functools.cache
def shim() -> Path:
    """The library, compiled where it was not yet."""
    known = hashlib.blake2b(SHIM.read_bytes(), digest_size=8).hexdigest()
    library = Path(tempfile.gettempdir()) / f"sparq-faults-{os.getuid()}" / f"{known}.so"
    if not library.exists():
        library.parent.mkdir(exist_ok=True)
        partial = library.with_suffix(f".{os.getpid()}")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", partial, SHIM, "-ldl", "-lpthread"], check=True)
        partial.replace(library)
    return library


def environment(folder: Path, fault: Fault | None = None, **more: str) -> dict[str, str]:
    """The environment of a process that is to meet a fault below a folder."""
    told = {"LD_PRELOAD": str(shim()), "SPARQ_FAULT_FOLDER": str(folder.resolve())}
    if fault:
        told |= {
            "SPARQ_FAULT_CALL": fault.call or "",
            "SPARQ_FAULT_NTH": str(fault.nth),
            "SPARQ_FAULT_WHAT": str(fault.code),
        }
    return os.environ | told | more


def run_with_fault(
    command: Sequence[str | Path], fault: Fault | None, folder: Path, **more: str
) -> "subprocess.CompletedProcess[str]":
    """What became of a command that met a fault below a folder; `more` are variables of its environment."""
    return subprocess.run(command, env=environment(folder, fault, **more), capture_output=True, text=True, check=False)


def count_calls(command: Sequence[str | Path], folder: Path, call: str | None = None) -> list[Call]:
    """The calls by which a command changes files below a folder, in order; it must succeed."""
    lines = _noted("SPARQ_FAULT_LIST", command, Fault(call, 0), folder).decode().splitlines()
    return [Call(name, Path(path)) for name, _, path in (line.partition(" ") for line in lines)]


def trace(command: Sequence[str | Path], folder: Path) -> list[Change]:
    """All that a command did to the files below a folder, in order; it must succeed."""
    return list(changes(_noted("SPARQ_FAULT_LOG", command, None, folder)))


def _noted(variable: str, command: Sequence[str | Path], fault: Fault | None, folder: Path) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        notes = Path(scratch) / "notes"
        done = run_with_fault(command, fault, folder, **{variable: str(notes)})
        assert done.returncode == 0, done.stderr
        return notes.read_bytes()


def changes(log: bytes) -> Iterator[Change]:
    """What a log of the shim's holds."""
    at = 0
    while at < len(log):
        *lengths, number = struct.unpack_from("=4Iq", log, at)
        at += struct.calcsize("=4Iq")
        parts = []
        for length in lengths:
            parts.append(log[at : at + length])
            at += length
        name, path, other, data = parts
        yield Change(name.decode(), Path(os.fsdecode(path)), Path(os.fsdecode(other)) if other else None, number, data)


def is_loaded() -> bool:
    """Whether this process has the shim."""
    return hasattr(ctypes.CDLL(None), "fault_arm")


def arm(folder: Path, fault: Fault) -> None:
    """Let this process, which has the shim, meet a fault below a folder; its count begins anew."""
    call = fault.call.encode() if fault.call else None
    ctypes.CDLL(None).fault_arm(os.fsencode(folder.resolve()), call, ctypes.c_long(fault.nth), fault.code)


def in_child(action: Callable[[], object], folder: Path, fault: Fault | None = None) -> int:
    """
    The exit code of an action, 0 where it gives none, in a forked child that met a fault; negative where a signal ended it.

    This process must have the shim; whatever the child raises is exit code 70, and is told on its standard error.
    """
    child = os.fork()
    if not child:
        os._exit(_code_of(action, folder, fault))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _code_of(action: Callable[[], object], folder: Path, fault: Fault | None) -> int:
    try:
        if fault:
            arm(folder, fault)
        code = action()
        return code if isinstance(code, int) else 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except BaseException:  # noqa: BLE001 -- a child must not go on as its parent
        traceback.print_exc()
        return 70


def calls_in_child(action: Callable[[], object], folder: Path, call: str | None = None) -> int:
    """How many calls an action makes in a forked child; it must succeed."""
    with tempfile.TemporaryFile() as told:

        def counted() -> object:
            code = action()
            os.write(told.fileno(), str(ctypes.CDLL(None).fault_count()).encode())
            return code

        code = in_child(counted, folder, Fault(call, 0))
        assert code == 0, f"exit code {code} without any fault"
        told.seek(0)
        return int(told.read())


def trace_in_child(action: Callable[[], object], folder: Path) -> list[Change]:
    """All that an action did to the files below a folder in a forked child, in order; it must succeed."""
    with tempfile.TemporaryDirectory() as scratch:
        notes = Path(scratch) / "notes"

        def logged() -> object:
            ctypes.CDLL(None).fault_log(os.fsencode(notes))
            return action()

        code = in_child(logged, folder, Fault("none", 0))
        assert code == 0, f"exit code {code} without any fault"
        return list(changes(notes.read_bytes()))
