"""
Processes that compare answers with math-verify, apart from ours: `python -m sparq_sympy.math_verify.worker FD`.

The process that is started loads everything once and then only forks: a worker is ready in milliseconds. It holds one socket
to the engine; what arrives on it is `fork`, with the socket of the new worker, or `kill PID`. When the engine is gone, so are
they. A worker reads pairs from its own socket and answers there. Before it reads the first it gives up all but computing:
files, the network, children, signals, and more than a share of memory; its standard output leads nowhere. Where the kernel
cannot hold it to that, limits are all there is (`check` says so).
"""

import gc
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sparq_sandbox import confine

ADDRESS_SPACE = 2 << 30
"""Bytes a worker may map."""
CPU_SECONDS = 3_600
"""Of a worker's life; the engine's deadline for one pair is far below."""
LIMITS = {
    "RLIMIT_AS": ADDRESS_SPACE,
    "RLIMIT_CPU": CPU_SECONDS,
    "RLIMIT_FSIZE": 0,
    "RLIMIT_CORE": 0,
    "RLIMIT_NPROC": 0,
}
"""What a worker may use; one that is not confined may open no file either."""
MOST_GROWTH = 32 << 20
"""Bytes of resident memory a worker may gain before it is replaced."""
MOST_PAIRS = 2_000
"""Pairs a worker compares before it is replaced."""
WARM_UP = (
    (r"\frac{1}{2}", "0.5"),
    (r"\{1,2\}", r"\{2,1\}"),
    (r"x \in [1,2)", r"1 \le x < 2"),
    (r"\int_0^1 x^2 dx", r"\frac{1}{3}"),
    (r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}"),
    (r"\lim_{x \to 0} \frac{\sin x}{x}", "1"),
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", r"\begin{pmatrix} 1 & 2 \\ 3 & 5 \end{pmatrix}"),
    (r"y = 2x + 1", r"2x - y = -1"),
    (r"\sqrt[3]{2} \log_2 8 \tan x", r"e^{i \pi} \binom{n}{k}"),
    ("5!", r"|x| \lfloor x \rfloor"),
)
"""Pairs that make sympy import what it imports late."""


def serve_forks(control: socket.socket) -> None:
    """Fork and end workers as asked, until the engine is gone."""
    children: set[int] = set()
    control.sendall(b"ready\n")
    while True:
        try:
            message, descriptors, _, _ = socket.recv_fds(control, 64, 1)
        except OSError:
            break
        if not message:
            break
        word, *rest = message.split()
        if word == b"fork":
            pid = os.fork()
            if not pid:
                control.close()
                _work(socket.socket(fileno=descriptors[0]))
                os._exit(0)
            os.close(descriptors[0])
            children.add(pid)
            control.sendall(b"%d\n" % pid)
        else:
            _end(int(rest[0]), children)
            control.sendall(b"done\n")
    for pid in list(children):
        _end(pid, children)


def _end(pid: int, children: set[int]) -> None:
    """Kill a child, running or not, and wait for it."""
    if pid in children:
        children.discard(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _work(pairs: socket.socket) -> None:
    """Answer pairs until the socket ends, or until this worker has grown too much."""
    channel = os.dup2(pairs.fileno(), 3)
    pairs.detach()
    os.closerange(4, 256)
    lines = os.fdopen(channel, "rb", closefd=False)
    _limit(LIMITS)
    try:
        confine(writes=(1, 2, channel), reads=(channel,))
    except OSError:
        _limit({"RLIMIT_NOFILE": channel + 1})
    began = _resident()
    for _ in range(MOST_PAIRS):
        line = lines.readline()
        if not line:
            return
        gold, answer = json.loads(line)
        said = compare(gold, answer)
        last = _resident() - began > MOST_GROWTH
        os.write(channel, json.dumps([said, last]).encode() + b"\n")
        if last:
            return


def _resident() -> int:
    """The most resident memory so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _limit(limits: Mapping[str, int]) -> None:
    for name, most in limits.items():
        with suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (most, most))


def compare(gold: str, answer: str) -> str:
    """`equal`, `different`, `unparsed`, `error` or `memory`; either order counts, for math-verify's own is one-sided."""
    from math_verify import parse, verify

    try:
        golds, answers = (_parsed(parse, text) for text in (gold, answer))
        if not golds or not answers:
            return "unparsed"
        options: dict[str, Any] = {"float_rounding": 12, "timeout_seconds": None}
        return "equal" if verify(golds, answers, **options) or verify(answers, golds, **options) else "different"
    except MemoryError:
        return "memory"
    except Exception:  # noqa: BLE001 -- whatever the text did to the parser, it is no verdict
        return "error"


def _parsed(parse: Any, text: str) -> list[Any]:
    found = parse(f"${text}$", parsing_timeout=None, fallback_mode="no_fallback")
    return list(found)


def main() -> None:
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    for gold, answer in WARM_UP:
        compare(gold, answer)
    gc.collect()
    gc.freeze()
    serve_forks(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
