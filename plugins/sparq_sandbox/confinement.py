"""
What a process gives up for good: files, the network, children, signals, privileges, and use beyond its limits.

Everything is asked of the kernel directly. What it does not grant is an OSError, never passed over: a process that is half
confined must end.
"""

import ctypes
import math
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Sequence

from sparq_sandbox.seccomp import MACHINES, seccomp_filter

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF, _LANDLOCK_VERSION = 444, 446, 1
_FILE_RIGHTS = ((1 << 13) - 1, 1 << 13, 1 << 14, 0, 1 << 15)
"""What Landlock can deny of files, and since which of its versions, from the first on."""
_NETWORK_RIGHTS, _NETWORK_SINCE = 0b11, 4
_SCOPES, _SCOPES_SINCE = 0b11, 6
_CLOSE_RANGE = 436
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION = 0x20080522
_READ_IMPLIES_EXEC = 0x0400000
_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def renounce() -> None:
    """
    Give up, with all children to come: files, network ports, privileges, locked memory, and being looked into.

    What is open stays open. OSError where the kernel does not take it.
    """
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_DUMPABLE, 0)
    _call(_CAPSET[platform.machine()], struct.pack("=Ii", _CAPABILITY_VERSION, 0), bytes(24))
    rights = _landlock_rights(_landlock_version())
    ruleset = _call(_LANDLOCK_CREATE_RULESET, rights, len(rights), 0)
    _call(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    for use in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE):
        _bound(use, 0)


class Filter:
    """The filter of system calls, made once and applied by each process that is forked: it needs `renounce` before."""

    def __init__(self, writes: Sequence[int], reads: Sequence[int] = ()) -> None:
        self._filter = seccomp_filter(platform.machine(), writes, reads)
        self._program = _Program(len(self._filter) // 8, self._filter)

    def apply(self) -> None:
        """Make no system call from now on but those of the filter; OSError where the kernel does not take it."""
        _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(self._program))


def confine(writes: Sequence[int], reads: Sequence[int] = ()) -> None:
    """
    For good, let this process do nothing but compute, and write and read these descriptors of those that are open.

    For one that has imported all it needs, has no threads, and sets its own limits. OSError where the kernel does not take it.
    """
    why = unfit()
    if why:
        raise OSError(why)
    renounce()
    Filter(writes, reads).apply()


def limit(seconds: float, mapped: int) -> None:
    """Bound the CPU seconds this process may use from now on, and the bytes it may have mapped in all."""
    late = math.ceil(seconds) + 1
    _bound(resource.RLIMIT_CPU, late, late + 1)
    _bound(resource.RLIMIT_AS, mapped)
    _bound(resource.RLIMIT_NPROC, 0)
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _bound(resource_: int, soft: int, hard: int | None = None) -> None:
    most = resource.getrlimit(resource_)[1]
    soft, hard = (n if most == resource.RLIM_INFINITY else min(n, most) for n in (soft, hard or soft))
    resource.setrlimit(resource_, (soft, hard))


def end_with(parent: int) -> None:
    """Be killed when the parent ends; at once, if it has."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def close_all_but(kept: int) -> None:
    """Close every descriptor but one."""
    if kept:
        _call(_CLOSE_RANGE, 0, kept - 1, 0)
    _call(_CLOSE_RANGE, kept + 1, 0xFFFFFFFF, 0)


def mapped_bytes() -> int:
    """Bytes this process has mapped."""
    with open("/proc/self/statm", encoding="ascii") as sizes:  # noqa: PTH123 -- pathlib would be in every process forked
        return int(sizes.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def unfit() -> str:
    """What is missing here that can be told without trying; empty where nothing is."""
    machine = platform.machine()
    if sys.platform != "linux":
        return f"the sandbox needs Linux, this is {sys.platform}"
    if machine not in MACHINES or sys.maxsize < 1 << 32 or sys.byteorder != "little":
        return f"the sandbox knows 64-bit {' and '.join(MACHINES)}, this is {machine} ({struct.calcsize('P') * 8} bits)"
    if sys.implementation.name != "cpython":
        return f"the sandbox needs CPython, this is {sys.implementation.name}"
    if _libc.personality(0xFFFFFFFF) & _READ_IMPLIES_EXEC:
        return "this process may execute whatever it may read (personality READ_IMPLIES_EXEC)"
    try:
        _landlock_version()
    except OSError as error:
        return f"the kernel has no Landlock, or it is off ({error.strerror}; Linux 5.13 has it, see `lsm=` at boot)"
    return ""


def _landlock_version() -> int:
    return _call(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)


def _landlock_rights(version: int) -> bytes:
    """`struct landlock_ruleset_attr` with all that a version can deny; nothing is allowed by any rule."""
    files = sum(_FILE_RIGHTS[:version])
    if version < _NETWORK_SINCE:
        return struct.pack("=Q", files)
    if version < _SCOPES_SINCE:
        return struct.pack("=QQ", files, _NETWORK_RIGHTS)
    return struct.pack("=QQQ", files, _NETWORK_RIGHTS, _SCOPES)


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0)[:4]]
    _checked(_libc.prctl(option, *padded), f"prctl({option})")


def _call(number: int, *arguments: bytes | int | None) -> int:
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(int(_libc.syscall(ctypes.c_long(number), *converted)), f"system call {number}")


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result
