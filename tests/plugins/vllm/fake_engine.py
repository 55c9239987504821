"""
An engine process that answers from its requests, dies and hangs as a file tells it: `python fake_engine.py FAULTS FD`.

FAULTS holds one word for each life: `ok`, `die` (on the first request), `half` (after half of the first batch), `hang`,
`raise`, `slow` (takes a minute to start) or `refuse` (does not). Each life takes one from the front; without any left it is
`ok`. Requests are logged beside.
"""

import os
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import sparq_core as sparq
from sparq_vllm.messages import Answers, Ask, Failed, Ready, asked, opening, send


def life(faults: Path) -> str:
    words = faults.read_text().split() if faults.exists() else []
    faults.write_text(" ".join(words[1:]))
    return words[0] if words else "ok"


def completions(ask: Ask) -> list[sparq.Completion]:
    return [
        sparq.Completion(text=f"{ask.messages[0].content} {ask.seed + j}", finish="stop", tokens=2)
        for j in range(ask.n)
    ]


def main() -> None:
    faults, connection = Path(sys.argv[1]), Connection(int(sys.argv[2]))
    fault, job = life(faults), opening(connection)
    if fault == "refuse":
        sys.exit(
            "ERROR [core.py:12] ValueError: there is no memory left\nRuntimeError: Engine core initialization failed"
        )
    if fault == "slow":
        time.sleep(60)
    send(connection, Ready(sparq.weights_digest(job.path), slots=8, device="cpu"))
    while asks := asked(connection):
        with faults.with_suffix(".log").open("a") as log:
            log.writelines(f"{os.getpid()} {ask.seed} {ask.n}\n" for ask in asks)
        if fault == "die":
            os.kill(os.getpid(), 9)
        if fault == "raise":
            send(connection, Failed("KeyError: 'of our own'"))
            sys.exit(1)
        if fault == "hang":
            time.sleep(3600)
        part = asks[: len(asks) // 2] if fault == "half" else asks
        send(connection, Answers([(ask.id, completions(ask)) for ask in part]))
        if fault == "half":
            os.kill(os.getpid(), 9)


if __name__ == "__main__":
    main()
