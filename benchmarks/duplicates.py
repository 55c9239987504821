"""
What knowing near duplicates costs, and how many are found: `python benchmarks/duplicates.py DATA/gsm8k_train.jsonl [PROBLEMS]`.

A million problems (or PROBLEMS) of sixty words, made of real ones: a walk from word to word, each next one a follower of the
two before it somewhere in the data. `duplicates` admits them in batches of 64; beside it rensa's own LSH index of whole
signatures, each in a process of its own. Printed: microseconds a problem, and by how much the process grew.

Then a bad case, 10,000 variants of one text, some 0.7 alike and few of them near duplicates. Then copies of earlier problems
with a few words replaced, among 50,000 others: how many were turned away, by the exact Jaccard similarity of their triples.
"""

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import rensa

import sparq_core as sparq
from sparq_screen import WORDS, Duplicates, DuplicatesConfig, triples

RESULTS = Path(__file__).parent / "results" / "duplicates.json"
NEAR, BATCH, LENGTH = 0.9, 64, 60
LEVELS = (0.7, 0.8, 0.85, 0.88, 0.92, 0.95, 0.98)
Admit = Callable[[Sequence[str]], list[bool]]


def main() -> None:
    if len(sys.argv) == 5:
        measure, name, data, count = sys.argv[1:]
        print(json.dumps(MEASURES[measure](ADMITS[name](), walks(data, Random(1)), int(count))))
        return
    data, problems = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    report: dict[str, Any] = {}
    for measure, count in (("growth", problems), ("family", 10_000), ("found", 50_000)):
        for name in ADMITS:
            command = [sys.executable, __file__, measure, name, data, str(count)]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            report.setdefault(measure, {"problems": count})[name] = json.loads(told)
            print(f"{measure} of {count:,}, {name}: {told}", end="", flush=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


def ours() -> Admit:
    plugin = Duplicates(DuplicatesConfig(near=NEAR))
    plugin.start()

    def admit(texts: Sequence[str]) -> list[bool]:
        return [reason is None for reason in plugin.admit([sparq.Problem(id="1.1.1", statement=t) for t in texts])]

    return admit


def theirs() -> Admit:
    index, signatures = rensa.RMinHashLSH(NEAR, 128, 16), list[rensa.RMinHash]()

    def is_new(text: str) -> bool:
        signature = rensa.RMinHash(128, 0)
        signature.update(triples(WORDS.findall(text.casefold())))
        if any(signature.jaccard(signatures[other]) >= NEAR for other in index.query(signature)):
            return False
        index.insert(len(signatures), signature)
        signatures.append(signature)
        return True

    return lambda texts: [is_new(text) for text in texts]


def growth(admit: Admit, texts: Iterator[str], count: int) -> dict[str, float]:
    list(islice(texts, 1))
    before, spent, left = resident(), 0.0, count
    while left > 0:
        batch = list(islice(texts, min(BATCH, left)))
        began = time.perf_counter()
        admit(batch)
        spent += time.perf_counter() - began
        left -= BATCH
    return {"microseconds": round(1e6 * spent / count, 1), "MiB": round(resident() - before, 1)}


def family(admit: Admit, texts: Iterator[str], count: int) -> dict[str, float]:
    return growth(admit, variants(next(texts), Random(2), [3] * count), count)


def found(admit: Admit, texts: Iterator[str], count: int) -> dict[str, str]:
    """The share found of copies of which 1 to 6 words were replaced, by their similarity."""
    rng, originals = Random(3), list(islice(texts, count))
    known = [text for i in range(0, count, BATCH) for text in kept(admit, originals[i : i + BATCH])]
    tried: dict[float, list[bool]] = defaultdict(list)
    for text in known:
        (copy,) = variants(text, rng, [rng.randint(1, 6)])
        alike = similarity(text, copy)
        level = max((level for level in LEVELS if level <= alike), default=0.0)
        tried[level].append(not admit([copy])[0])
    return {f"from {level}": f"{sum(hits)} of {len(hits)}" for level, hits in sorted(tried.items())}


def kept(admit: Admit, texts: Sequence[str]) -> list[str]:
    return [text for text, new in zip(texts, admit(texts), strict=True) if new]


def similarity(a: str, b: str) -> float:
    one, other = (set(triples(WORDS.findall(text.casefold()))) for text in (a, b))
    return len(one & other) / len(one | other)


def variants(text: str, rng: Random, replaced: Sequence[int]) -> Iterator[str]:
    for count in replaced:
        words = text.split()
        for place in rng.sample(range(len(words)), count):
            words[place] = str(rng.randrange(100_000))
        yield " ".join(words)


def walks(data: str, rng: Random) -> Iterator[str]:
    """Texts without end."""
    lines = Path(data).read_text(encoding="utf-8").rstrip("\n").split("\n")
    real = [json.loads(line)["problem"].split() for line in lines]
    followers = defaultdict(list)
    for words in real:
        for first, second, third in zip(words, words[1:], words[2:], strict=False):
            followers[first, second].append(third)
    while True:
        walk = rng.choice(real)[:2]
        while len(walk) < LENGTH:
            after = followers.get((walk[-2], walk[-1]))
            walk += [rng.choice(after)] if after else rng.choice(real)[:2]
        yield " ".join(walk)


def resident() -> float:
    """The process's mebibytes."""
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


MEASURES: dict[str, Callable[[Admit, Iterator[str], int], Any]] = {"growth": growth, "family": family, "found": found}
ADMITS = {"sparq": ours, "rensa": theirs}

if __name__ == "__main__":
    main()
