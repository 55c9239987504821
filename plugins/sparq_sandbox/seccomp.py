"""
The system calls a confined process may make: an allow-list for seccomp, on x86-64 and aarch64.

The numbers are those of the kernel's headers, `asm/unistd_64.h` and `asm-generic/unistd.h`; a test reads them there. A call
that is `REFUSED` fails as it does where a file may not be read: ordinary programs try such calls in passing. Any
other ends the process, as does a call through another architecture's door: `int 0x80`, x32, 32-bit ARM.
"""

import errno
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
"""What a filter answers: go on, fail with an error, end the process."""
_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06
_PROT_EXEC = 4
_FUTEX_OPERATIONS = (0, 1, 9, 10)
"""Wait and wake, plain and with bits."""
_FUTEX_FLAGS = 128 | 256
_ADVICE = (4, 8, 14)
"""Give pages back, now or when needed; use huge ones."""
_LAST_CLOCK = 11
"""Above, and below zero, are clocks of other processes and of devices."""
_MAPPINGS = 0x02 | 0x10 | 0x20 | 0x800 | 0x4000 | 0x20000 | 0x100000
"""Flags of mmap: private, fixed, anonymous, and hints about growth and reserves; nothing shared, locked or of huge pages."""
Instruction = tuple[int, int, int, int]
Numbers = tuple[int, int | None]
"""Of a call on x86-64, and on aarch64, which lacks some."""


class Machine(NamedTuple):
    """What the kernel calls an architecture, and its column in the table."""

    audit: int
    column: int


MACHINES = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}
ALLOWED: dict[str, Numbers] = {
    "brk": (12, 214),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getrusage": (98, 165),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "nanosleep": (35, 101),
    "restart_syscall": (219, 128),
    "sched_yield": (24, 124),
    "getrandom": (318, 278),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
"""Calls that may have any arguments."""
CHECKED: dict[str, Numbers] = {
    "read": (0, 63),
    "write": (1, 64),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "madvise": (28, 233),
    "futex": (202, 98),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
}
"""Calls whose arguments decide."""
REFUSED: dict[str, Numbers] = {
    "open": (2, None),
    "openat": (257, 56),
    "stat": (4, None),
    "lstat": (6, None),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getcwd": (79, 17),
    "getdents64": (217, 61),
    "lseek": (8, 62),
    "close": (3, 57),
    "ioctl": (16, 29),
    "fcntl": (72, 25),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "sched_getaffinity": (204, 123),
    "getrlimit": (97, 163),
    "prlimit64": (302, 261),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "sigaltstack": (131, 132),
    "tgkill": (234, 131),
}
"""Calls that fail with EACCES."""


def seccomp_filter(machine: str, writes: Sequence[int], reads: Sequence[int] = ()) -> bytes:
    """The filter's instructions: these descriptors may be written to and read, and no others."""
    audit, column = MACHINES[machine]
    refuse = _answer(ERRNO | errno.EACCES)
    clock = (*_argument(0), (_ABOVE, 0, 1, _LAST_CLOCK), *refuse, *_answer(ALLOW))
    bodies: dict[str, tuple[Instruction, ...]] = {
        **dict.fromkeys(ALLOWED, _answer(ALLOW)),
        **dict.fromkeys(REFUSED, refuse),
        "read": (*_argument(0), *_if_one_of(reads), *refuse),
        "write": (*_argument(0), *_if_one_of(writes), *refuse),
        "mmap": (*_argument(2), *_kill_if_any(_PROT_EXEC), *_argument(3), *_kill_if_any(~_MAPPINGS), *_answer(ALLOW)),
        "mprotect": (*_argument(2), *_kill_if_any(_PROT_EXEC), *_answer(ALLOW)),
        "madvise": (*_argument(2), *_if_one_of(_ADVICE), *refuse),
        "futex": (
            *_argument(1),
            (_AND, 0, 0, ~_FUTEX_FLAGS & 0xFFFFFFFF),
            *_if_one_of(_FUTEX_OPERATIONS),
            *_answer(KILL),
        ),
        "clock_gettime": clock,
        "clock_getres": clock,
        "clock_nanosleep": clock,
    }
    table = {**ALLOWED, **CHECKED, **REFUSED}
    program: list[Instruction] = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, audit), *_answer(KILL), (_LOAD, 0, 0, 0)]
    for name, body in bodies.items():
        number = table[name][column]
        if number is not None:
            program += [(_EQUAL, 0, len(body), number), *body]
    program += _answer(KILL)
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _answer(action: int) -> tuple[Instruction, ...]:
    return ((_RETURN, 0, 0, action),)


def _argument(index: int) -> Iterator[Instruction]:
    """The lower half of an argument: all that the kernel takes of it, or all that has a meaning."""
    yield _LOAD, 0, 0, 16 + 8 * index


def _if_one_of(values: Sequence[int]) -> Iterator[Instruction]:
    """Allow these values, go on with others."""
    for value in values:
        yield _EQUAL, 0, 1, value
        yield _RETURN, 0, 0, ALLOW


def _kill_if_any(bits: int) -> Iterator[Instruction]:
    yield _ANY_BIT, 0, 1, bits & 0xFFFFFFFF
    yield _RETURN, 0, 0, KILL
