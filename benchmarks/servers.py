"""
What the death of one of four servers costs: `python benchmarks/servers.py`, a minute and a half.

Four servers in processes of their own answer each request after the same time, and `openai` keeps as many requests open at
each as a GPU engine has slots. One is killed by SIGKILL, and later a new one listens at its address. Throughput is answers a
second, in windows of two seconds, against the mean of the windows before the kill. Every answer must be that of the scripted
model for the same seed, so none is lost or exchanged.
"""

import json
import socket
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from statistics import fmean
from threading import Lock, Thread
from typing import Any

import sparq_core as sparq
from sparq_core.testing import ScriptedSampler
from sparq_openai import OpenAIConfig, OpenAISampler

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "servers.json"
SERVER = ROOT / "tests" / "plugins" / "openai" / "faulty_server.py"
SERVERS, SLOTS, LATENCY = 4, 12, 2.0
"""Slots of each server; seconds of an answer."""
WINDOW = 2.0
WARM, KILL, RETURN, END = 4.0, 24.0, 48.0, 80.0
"""Seconds after the beginning."""
WITHIN = 10.0
"""Seconds in which throughput is to be back at `LEAST` of what it was."""
LEAST = 0.7


class Load:
    """Asks a sampler for single samples from as many threads as all slots, and keeps when each was answered."""

    def __init__(self, sampler: sparq.Sampler) -> None:
        self._sampler, self._numbers, self._lock = sampler, count(), Lock()
        self.answered: list[float] = []
        self.wrong = 0
        self.ended = False
        self._threads = [Thread(target=self._ask) for _ in range(SERVERS * SLOTS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let the last requests be answered."""
        self.ended = True
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        script = ScriptedSampler()
        while not self.ended:
            number = next(self._numbers)
            message = sparq.Message("user", f"What is {number % 97} + {number % 89}?")
            request = sparq.Request(messages=(message,), seed=number, sampling=sparq.Sampling())
            ((answer,),) = self._sampler.sample([request])
            ((expected,),) = script.sample([request])
            with self._lock:
                self.answered.append(time.monotonic())
                self.wrong += answer.text != expected.text


def main() -> None:
    ports = free_ports()
    servers = [started(port) for port in ports]
    urls = tuple(f"http://127.0.0.1:{port}/v1" for port in ports)
    config = OpenAIConfig(base_url=urls, concurrency=(SLOTS, SLOTS))
    sampler = OpenAISampler(config).sampler(sparq.Model(name="student", path="sums", digest="d"))
    begin, load = time.monotonic(), Load(sampler)
    at(begin + KILL)
    servers[0].kill()
    at(begin + RETURN)
    servers.append(started(ports[0]))
    at(begin + END)
    load.end()
    sampler.close()
    for server in servers:
        server.kill()
        server.communicate()
    assert load.wrong == 0
    report([t - begin for t in load.answered])


def report(answered: list[float]) -> None:
    windows = [sum(start <= t < start + WINDOW for t in answered) / WINDOW for start in starts()]
    before = fmean(rate for start, rate in zip(starts(), windows, strict=True) if WARM <= start < KILL)
    shares = {start: rate / before for start, rate in zip(starts(), windows, strict=True)}
    dead = {start: share for start, share in shares.items() if KILL <= start < RETURN}
    back = next(start for start in dead if all(share >= LEAST for at, share in dead.items() if at >= start))
    result: dict[str, Any] = {
        "servers": SERVERS,
        "slots": SLOTS,
        "latency": LATENCY,
        "answered": len(answered),
        "answers/s before": before,
        "seconds until the throughput is back": back - KILL,
        "share while one is dead": fmean(share for start, share in dead.items() if start >= back),
        "share after it has come back": fmean(share for start, share in shares.items() if start >= END - 10),
        "windows": {f"{start:g} s": round(share, 3) for start, share in shares.items()},
    }
    print(json.dumps(result, indent=1))
    assert result["seconds until the throughput is back"] <= WITHIN
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


def starts() -> list[float]:
    return [i * WINDOW for i in range(int(END / WINDOW))]


def at(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def free_ports() -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(SERVERS)]
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


def started(port: int) -> "subprocess.Popen[str]":
    options = json.dumps({"latency": LATENCY, "port": port})
    server = subprocess.Popen(
        [sys.executable, str(SERVER), options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    server.stdout.readline()
    return server


if __name__ == "__main__":
    main()
