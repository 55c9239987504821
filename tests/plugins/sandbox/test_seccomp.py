"""The filter of system calls, on both machines: its numbers against the kernel's headers, its answers by a small machine."""

import errno
import platform
import re
import struct
from pathlib import Path

import pytest

from sparq_sandbox.seccomp import ALLOW, ALLOWED, CHECKED, ERRNO, KILL, MACHINES, REFUSED, seccomp_filter

HEADERS = {
    "x86_64": (f"/usr/include/{platform.machine()}-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"),
    "aarch64": ("/usr/include/asm-generic/unistd.h",),
}
LAST = 600
"""Above every number that there is."""
NAMES = sorted({**ALLOWED, **CHECKED, **REFUSED})
CHANNEL = 3


def header_numbers(machine: str) -> dict[str, int]:
    """Names and numbers as the kernel's header has them."""
    found = [Path(path) for path in HEADERS[machine] if Path(path).exists()]
    if not found:
        pytest.skip(f"the kernel's headers are not installed: {HEADERS[machine][0]}")
    lines = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(?:__NR3264_)?(\w+)", found[0].read_text(), re.MULTILINE)
    numbers = {name: int(value) for name, value in lines if value.isdigit()}
    return numbers | {name: numbers[value] for name, value in lines if value in numbers and name not in numbers}


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_the_kernels(machine: str) -> None:
    known, column = header_numbers(machine), MACHINES[machine].column
    ours = {name: numbers[column] for name, numbers in {**ALLOWED, **CHECKED, **REFUSED}.items()}
    aliases = {"newfstatat": known.get("fstatat"), "fstat": known.get("fstat")} if machine == "aarch64" else {}
    theirs = {name: known.get(name, aliases.get(name)) for name in ours}
    if machine == "aarch64":
        theirs |= dict.fromkeys(("open", "stat", "lstat", "access", "readlink", "time"))
    assert ours == theirs


def judged(program: bytes, number: int, *arguments: int, audit: int) -> int:
    """What a filter answers to a call: classic BPF, as far as ours uses it."""
    padded = (*arguments, *[0] * 6)[:6]
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, audit, 0, *(a & 0xFFFFFFFFFFFFFFFF for a in padded))
    code = list(struct.iter_unpack("=HBBI", program))
    place = register = 0
    while True:
        operation, if_so, if_not, operand = code[place]
        place += 1
        if operation == 0x06:
            return int(operand)
        if operation == 0x20:
            (register,) = struct.unpack_from("=I", data, operand)
        elif operation == 0x54:
            register &= operand
        else:
            holds = {0x15: register == operand, 0x25: register > operand, 0x45: bool(register & operand)}[operation]
            place += if_so if holds else if_not


@pytest.mark.parametrize("machine", MACHINES)
def test_every_number_has_the_answer_of_its_kind(machine: str) -> None:
    audit, column = MACHINES[machine]
    program = seccomp_filter(machine, [CHANNEL])
    expected = {numbers[column]: ALLOW for numbers in ALLOWED.values()}
    expected |= {numbers[column]: ERRNO | errno.EACCES for numbers in REFUSED.values()}
    checked = {numbers[column] for numbers in CHECKED.values()}
    for number in (*range(-2, LAST), *range(0x40000000, 0x40000000 + LAST)):
        if number not in checked:
            assert judged(program, number, audit=audit) == expected.get(number, KILL), number


@pytest.mark.parametrize("machine", MACHINES)
def test_other_architectures_are_not_let_in(machine: str) -> None:
    program = seccomp_filter(machine, [CHANNEL])
    others = {0x40000003, 0x40000028, 0xC000003E, 0xC00000B7, 0x00000000} - {MACHINES[machine].audit}
    for audit in others:
        assert {judged(program, number, CHANNEL, audit=audit) for number in range(LAST)} == {KILL}


REFUSAL = ERRNO | errno.EACCES
PRIVATE, SHARED, ANONYMOUS, HUGE, LOCKED = 0x02, 0x01, 0x20, 0x40000, 0x2000
ARGUMENTS = [
    ("write", (CHANNEL,), ALLOW),
    ("write", (1,), REFUSAL),
    ("write", (CHANNEL + (1 << 32),), ALLOW),  # the kernel takes the lower half, too
    ("read", (CHANNEL,), REFUSAL),
    ("mmap", (0, 1, 3, PRIVATE | ANONYMOUS), ALLOW),
    ("mmap", (0, 1, 0, PRIVATE | ANONYMOUS | 0x4000), ALLOW),
    ("mmap", (0, 1, 7, PRIVATE | ANONYMOUS), KILL),
    ("mmap", (0, 1, 4, PRIVATE | ANONYMOUS), KILL),
    ("mmap", (0, 1, 3, SHARED | ANONYMOUS), KILL),
    ("mmap", (0, 1, 3, 3 | ANONYMOUS), KILL),
    ("mmap", (0, 1, 3, PRIVATE | ANONYMOUS | HUGE), KILL),
    ("mmap", (0, 1, 3, PRIVATE | ANONYMOUS | LOCKED), KILL),
    ("mprotect", (0, 1, 3), ALLOW),
    ("mprotect", (0, 1, 5), KILL),
    ("madvise", (0, 1, 4), ALLOW),
    ("madvise", (0, 1, 100), REFUSAL),
    ("futex", (0, 128), ALLOW),
    ("futex", (0, 129), ALLOW),
    ("futex", (0, 9 | 128 | 256), ALLOW),
    *(("futex", (0, operation), KILL) for operation in (2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 128 | 3, 512)),
    ("clock_gettime", (0,), ALLOW),
    ("clock_gettime", (11,), ALLOW),
    ("clock_gettime", (12,), REFUSAL),
    ("clock_getres", (-2,), REFUSAL),
    ("clock_nanosleep", (1,), ALLOW),
    ("clock_nanosleep", (-6,), REFUSAL),
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("name", "arguments", "answer"), ARGUMENTS)
def test_arguments_decide(machine: str, name: str, arguments: tuple[int, ...], answer: int) -> None:
    audit, column = MACHINES[machine]
    number = CHECKED[name][column]
    assert number is not None
    assert judged(seccomp_filter(machine, [CHANNEL]), number, *arguments, audit=audit) == answer


def test_other_descriptors_may_be_asked_for() -> None:
    program, audit = seccomp_filter("x86_64", [3, 4], reads=[5]), MACHINES["x86_64"].audit
    assert [judged(program, 0, descriptor, audit=audit) for descriptor in (3, 4, 5)] == [REFUSAL, REFUSAL, ALLOW]
    assert [judged(program, 1, descriptor, audit=audit) for descriptor in (3, 4, 5)] == [ALLOW, ALLOW, REFUSAL]
