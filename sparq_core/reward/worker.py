"""
The verifiers of a pipeline at work in a process of their own: the main module of what `process` starts.

Asked over a socket, one trial a line, it answers each with a verdict. It ends when the socket does, however that comes about.
"""

import os
import queue
import socket
import sys
import threading
import time
from pathlib import Path

import msgspec

from sparq_core.contract.errors import SparqError
from sparq_core.contract.events import Event, Warned
from sparq_core.contract.records import Trial
from sparq_core.contract.run import Run
from sparq_core.loop.session import started
from sparq_core.pipeline.assembly import load_graders
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.identity import other_code
from sparq_core.reward.exchange import GRACE, Job, Reply


def main(descriptor: int) -> None:
    """Answer what comes over the socket of this descriptor until it ends."""
    channel = socket.socket(fileno=descriptor)
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(channel, lines), daemon=True).start()

    def say(reply: Reply) -> None:
        channel.sendall(msgspec.json.encode(reply) + b"\n")

    first = lines.get()
    if first is None:
        return
    job = msgspec.json.decode(first, type=Job)
    warnings: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Warned):
            warnings.append(event.message)

    try:
        cast = load_graders(job.pipeline, Path(job.base))
        if job.identity:
            changed = other_code(job.identity, cast.members)
            warnings += [f"{file} is another than the run's own" for file in changed]
        with started(Run(pipeline=job.pipeline, base=Path(job.base), folder=None, models={}), cast, hear):
            say(Reply(warnings=tuple(warnings)))
            while (line := lines.get()) is not None:
                say(_answer(cast, line))
    except SparqError as error:
        say(Reply(error=str(error)))


def _answer(cast: Cast, line: bytes) -> Reply:
    try:
        (verdict,) = cast.verify("a reward", [msgspec.json.decode(line, type=Trial)])
    except SparqError as error:
        return Reply(error=str(error))
    return Reply(verdict=verdict)


def _read(channel: socket.socket, lines: "queue.SimpleQueue[bytes | None]") -> None:
    """Take in what is asked at once, so that nobody waits to ask; what hangs when nobody is left is ended."""
    with channel.makefile("rb") as asked:
        try:
            for line in asked:
                lines.put(line)
        except OSError:
            pass
    lines.put(None)
    time.sleep(GRACE)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
