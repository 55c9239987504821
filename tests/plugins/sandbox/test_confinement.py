"""Each layer by itself, and a machine that lacks one: nothing is run there."""

import ctypes
import platform
import struct
import subprocess
import sys

import pytest

from sparq_sandbox import Sandbox, UnavailableError, available
from sparq_sandbox.confinement import unfit

needs_kernel = pytest.mark.skipif(not available(), reason=available().why)


def in_a_process(script: str) -> str:
    """What a script prints that gives rights up for good."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


LANDLOCK = """
import os, socket
from sparq_sandbox.confinement import renounce
renounce()
def attempt(what, *arguments):
    try: what(*arguments)
    except OSError as error: return type(error).__name__
    return "done"
server = socket.socket()
print(attempt(open, "/etc/passwd"), attempt(open, "/proc/self/mem", "wb"), attempt(os.listdir, "/"))
print(attempt(open, "/tmp/sparq-sandbox-made", "w"), attempt(os.mkdir, "/tmp/sparq-sandbox-made"))
print(attempt(server.bind, ("127.0.0.1", 0)), attempt(os.kill, os.getppid(), 0), attempt(os.chroot, "/"))
"""


@needs_kernel
def test_landlock_alone_holds_files() -> None:
    """Where the filter of system calls was got around, files are out of reach still."""
    files, made, other = in_a_process(LANDLOCK).splitlines()
    assert files == "PermissionError PermissionError PermissionError"
    assert made == "PermissionError PermissionError"
    bind, kill, chroot = other.split()
    assert chroot == "PermissionError", "root without its capabilities"
    version = ctypes.CDLL(None).syscall(444, None, 0, 1)
    assert bind == ("PermissionError" if version >= 4 else "done")
    assert kill == ("PermissionError" if version >= 6 else "done")


WITHOUT = """
import ctypes, struct
libc = ctypes.CDLL(None)
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
code = {code!r}
assert not libc.prctl(38, 1, 0, 0, 0)
assert not libc.prctl(22, 2, ctypes.byref(Program(len(code) // 8, code)), 0, 0)
from sparq_sandbox import Sandbox, UnavailableError, available
print(bool(available()), available().why)
try:
    Sandbox().run("print(1)")
except UnavailableError as error:
    print(error)
"""
"""A kernel that lacks something, played by a filter that answers in its place."""


def lacking(number: int, error: int, first: int | None = None) -> bytes:
    """A filter under which a system call, or one with this first argument, fails with an error."""
    code = [(0x20, 0, 0, 0), (0x15, 0, 3 if first is not None else 1, number)]
    code += [] if first is None else [(0x20, 0, 0, 16), (0x15, 0, 1, first)]
    code += [(0x06, 0, 0, 0x00050000 | error), (0x06, 0, 0, 0x7FFF0000)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


PRCTL, PIDFD_OPEN = {"x86_64": (157, 434), "aarch64": (167, 434)}.get(platform.machine(), (0, 0))


@needs_kernel
@pytest.mark.parametrize(
    ("filtered", "why"),
    [
        (lacking(444, 38), "the kernel has no Landlock, or it is off (Function not implemented; Linux 5.13 has it"),
        (lacking(444, 95), "the kernel has no Landlock, or it is off (Operation not supported; Linux 5.13 has it"),
        (lacking(446, 1), "[Errno 1] Operation not permitted: 'system call 446'"),
        (lacking(PRCTL, 22, 22), "the kernel does not confine processes ([Errno 22] Invalid argument: 'prctl(22)')"),
        (lacking(PRCTL, 0, 22), "a confined process could fork (it ended with 0)"),
        (lacking(446, 0), "the kernel takes a rule of Landlock and does not keep it"),
        (lacking(PRCTL, 1, 38), "[Errno 1] Operation not permitted: 'prctl(38)'"),
    ],
    ids=[
        "no-landlock",
        "landlock-off",
        "no-restriction",
        "no-seccomp",
        "seccomp-that-does-nothing",
        "landlock-that-does-nothing",
        "no-no-new-privileges",
    ],
)
def test_where_a_layer_is_missing_nothing_is_run(filtered: bytes, why: str) -> None:
    first, second = in_a_process(WITHOUT.format(code=filtered)).splitlines()
    assert first.startswith("False ")
    assert why in first
    assert second.startswith(f"no sandbox here: {first.removeprefix('False ')}; run untrusted programs")
    assert "in a separate container, or behind an HTTP sandbox such as SandboxFusion" in second


@pytest.mark.parametrize(
    ("where", "name", "value", "why"),
    [
        ("sys.platform", "platform", "darwin", "the sandbox needs Linux, this is darwin"),
        ("sys.byteorder", "byteorder", "big", "the sandbox knows 64-bit x86_64 and aarch64, this is"),
        ("sys.maxsize", "maxsize", 2**31 - 1, "the sandbox knows 64-bit x86_64 and aarch64, this is"),
        ("platform.machine", "machine", lambda: "riscv64", "this is riscv64 (64 bits)"),
    ],
)
def test_on_another_machine_nothing_is_run(
    monkeypatch: pytest.MonkeyPatch, where: str, name: str, value: object, why: str
) -> None:
    module = {"sys": sys, "platform": platform}[where.partition(".")[0]]
    monkeypatch.setattr(module, name, value)
    assert why in unfit()
    with pytest.raises(UnavailableError, match="no sandbox here"):
        Sandbox()
