"""
How good and how fast the answer checker is, with math-verify beside it: `python benchmarks/checker.py DATA`.

DATA is a folder with `answer_pairs.jsonl` (labelled pairs), `math_problems.jsonl` (gold answers of MATH) and
`gsm8k_rollouts.jsonl.gz` (real solutions with labels). Takes about three minutes; runs on one core, without caches. Prints
tables in Markdown and writes `benchmarks/results/checker.json`.
"""

import gzip
import json
import os
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from math_verify import parse, verify

import sparq_core as sparq
from sparq_sympy import Checker, Sympy, SympyConfig, final_answer
from sparq_sympy.reading.answer import read

RESULTS = Path(__file__).parent / "results" / "checker.json"
SAMPLE = 1_000
Pair = tuple[str, str]

REWRITES: dict[str, Callable[[str], str]] = {
    "spaces added": lambda a: re.sub(r"(?<!\\)([-+=,])", r" \1 ", a),
    "spaces removed": lambda a: re.sub(r"(?<![A-Za-z0-9\\]) +| +(?![A-Za-z0-9])", "", a),
    "dfrac": lambda a: re.sub(r"\\[dt]?frac", r"\\dfrac", a),
    "frac": lambda a: re.sub(r"\\[dt]frac", r"\\frac", a),
    "left right": lambda a: (
        re.sub(r"(?<!\\)([(\[])", r"\\left\1", re.sub(r"(?<!\\)([)\]])", r"\\right\1", a))
        if not re.search(r"\\left|\\right|\\sqrt\[|\\begin", a)
        else a
    ),
    "degree sign": lambda a: re.sub(r"\^\{?\\circ\}?", "°", a),
    "final period": lambda a: a + ".",
    "dollar signs": lambda a: f"${a}$",
    "boxed": lambda a: rf"\boxed{{{a}}}",
    "text": lambda a: re.sub(r"\\(?:text|mbox)\{([^{}]*)\}", r"\\textrm{\1}", a),
    "unit dropped": lambda a: re.sub(
        r"(?<=[\d}])\s*(?:\\(?:text|mbox)\{\s*[a-z ]+\}(?:\^\{?[23]\}?)?|\^\{?\\circ\}?)$", "", a
    ),
}
REVIEWED = {
    (r"\frac{3}{5}", "3:5"): "a ratio and its value",
    ("3", "3:1"): "a ratio and its value",
    ("2", r"\text{two lines}"): "a number and so many things",
}
"""Random pairs of golds that are equal, though the exact oracle does not see it; each looked at by a person."""


def main() -> None:
    data = Path(sys.argv[1])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    checker = Checker(workers=1)
    checker.equivalent("x", r"\int x")
    report = {
        "pairs": labelled_pairs(checker, data),
        "golds": golds(checker, data),
        "rollouts": rollouts(data),
        "speed": speed(checker, data),
    }
    checker.close()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


def math_verify(gold: str, answer: str) -> bool:
    """As its documentation has it."""
    return bool(verify(parse(f"${gold}$"), parse(f"${answer}$")))


def labelled_pairs(checker: Checker, data: Path) -> dict[str, Any]:
    """Verdicts on the labelled pairs against the labels, ours and math-verify's."""
    rows = lines(data / "answer_pairs.jsonl")
    labels = [row["equivalent"] for row in rows]
    ours = [checker.equivalent(row["gold"], row["candidate"]) for row in rows]
    theirs = [math_verify(row["gold"], row["candidate"]) for row in rows]
    said = {"sparq": [d.value == "correct" for d in ours], "math-verify": theirs}
    print(
        f"### {len(rows)} labelled pairs\n\n| checker | right | false positives | false negatives |\n|---|---|---|---|"
    )
    report: dict[str, Any] = {}
    for name, values in said.items():
        report[name] = {
            "right": sum(v == label for v, label in zip(values, labels, strict=True)),
            "false positives": sum(v and not label for v, label in zip(values, labels, strict=True)),
            "false negatives": sum(label and not v for v, label in zip(values, labels, strict=True)),
        }
        counts = report[name]
        share = counts["right"] / len(rows)
        print(f"| {name} | {share:.1%} | {counts['false positives']} | {counts['false negatives']} |")
    print()
    for row, decision in zip(rows, ours, strict=True):
        if (decision.value == "correct") != row["equivalent"]:
            print(
                f"- missed ({row['kind']}): `{row['gold']}` and `{row['candidate']}`: {decision.value}, {decision.reason}"
            )
    print(f"- reasons: {dict(Counter(f'{d.value}: {d.reason}' for d in ours).most_common())}")
    return report


def golds(checker: Checker, data: Path) -> dict[str, Any]:
    """Each gold against itself, its rewrites and a random other one."""
    answers = [row["answer"] for row in lines(data / "math_problems.jsonl")]
    verdicts: Counter[str] = Counter()
    missed: list[str] = []
    tried = 0
    for answer in answers:
        for name, rewrite in (("itself", str), *REWRITES.items()):
            rewritten = rewrite(answer)
            if name != "itself" and rewritten == answer:
                continue
            tried += 1
            decision = checker.equivalent(answer, rewritten)
            verdicts[decision.value] += 1
            if decision.value != "correct":
                missed.append(f"{name}: `{answer}` and `{rewritten}`: {decision.value}, {decision.reason}")
    rng = random.Random(0)
    others = [(answer, rng.choice(answers)) for answer in answers]
    wrong, unknown = [], 0
    for pair in others:
        decision = checker.equivalent(*pair)
        verdicts[decision.value] += 1
        unknown += decision.value == "unknown"
        if (decision.value == "correct") != (oracle(*pair) or pair in REVIEWED):
            wrong.append(f"`{pair[0]}` and `{pair[1]}`: {decision.value}, {decision.reason}")
    total = tried + len(others)
    print(f"\n### {len(answers):,} gold answers of MATH\n")
    print(f"- themselves and {len(REWRITES)} kinds of rewrite: {tried - len(missed):,} of {tried:,} correct")
    print(
        f"- a random other one: {len(others) - len(wrong):,} of {len(others):,} as the oracle and the reviewed list say"
    )
    print(f"- unknown: {verdicts['unknown'] / total:.2%} of all")
    for what in (*sorted(set(missed)), *wrong):
        print(f"- missed: {what}")
    return {
        "rewrites": tried,
        "missed": len(missed),
        "others": len(others),
        "wrong": len(wrong),
        "unknown": verdicts["unknown"],
    }


def oracle(gold: str, other: str) -> bool:
    """Whether two golds are plainly the same: the same text but for spacing, or the same fraction or decimal."""
    ours, theirs = bare(gold), bare(other)
    if ours == theirs:
        return True
    a, b = number(ours), number(theirs)
    return a is not None and a == b


def bare(text: str) -> str:
    text = re.sub(r"\\(?:text|mbox)\{([^{}]*)\}(?:\^\{?\d\}?)?", lambda m: m[1] if m.start() == 0 else "", text)
    text = (
        re.sub(r"\\left|\\right|\\[!,;: ]|\^\{?\\circ\}?|\\?\$|\s", "", text)
        .replace("dfrac", "frac")
        .replace("tfrac", "frac")
    )
    return re.sub(r"(?<=\d),(?=\d{3}$)", "", text).rstrip(".")


def number(text: str) -> Fraction | None:
    if found := re.fullmatch(r"(-?)\\frac(?:\{(\d+)\}\{(\d+)\}|(\d)(\d))", text):
        top, bottom = (found[2], found[3]) if found[2] else (found[4], found[5])
        return Fraction(int(top), int(bottom)) * (-1 if found[1] else 1)
    return Fraction(text) if re.fullmatch(r"-?\d*\.?\d+(?:/\d+)?", text) else None


def rollouts(data: Path) -> dict[str, Any]:
    """Verdicts on real solutions against their labels."""
    rows = [json.loads(line) for line in gzip.decompress((data / "gsm8k_rollouts.jsonl.gz").read_bytes()).splitlines()]
    plugin = Sympy(SympyConfig(workers=1))
    agreed = total = 0
    signs: list[str] = []
    others: list[str] = []
    for row in rows:
        verdicts = plugin.verify([trial(row, text) for text in row["rollouts"]])
        for verdict, label in zip(verdicts, row["correct"], strict=True):
            assert verdict is not None
            total += 1
            same = (verdict.value == "correct") == label
            agreed += same
            if not same:
                sign = (verdict.answer or "").lstrip("-\\$") == row["answer"] and (verdict.answer or "").startswith("-")
                text = f"reference {row['answer']}, answer {verdict.answer}: {verdict.value}, {verdict.reason}; label {label}"
                (signs if sign else others).append(text)
    plugin.stop()
    print(f"\n### {total:,} real solutions of GSM8K\n")
    print(
        f"- agreement with the labels: {agreed / total:.2%}; of {total - agreed} others {len(signs)} labels ignore a sign"
    )
    for text in others:
        print(f"- {text}")
    return {"agreement": agreed / total, "signs": len(signs), "others": others}


def trial(row: dict[str, Any], text: str) -> sparq.Trial:
    problem = sparq.Problem(id="0.1.0", statement=row["problem"], answer=row["answer"])
    return sparq.Trial(problem, sparq.Attempt(k=0, seed=0, text=text, finish="stop", tokens=0))


def speed(checker: Checker, data: Path) -> dict[str, Any]:
    """Pairs a second and p99 of the fixed mix, part by part; nothing cached, math-verify in the same run."""
    print("\n### Speed, one core, no caches\n")
    print("| pairs | n | sparq /s | math-verify /s | ratio | sparq p50 ms | p99 ms | math-verify p99 ms |")
    print("|---|---|---|---|---|---|---|---|")
    report: dict[str, Any] = {}
    all_ours: list[float] = []
    all_theirs: list[float] = []
    for name, pairs in mix(data):
        ours, theirs = timed(uncached(checker), pairs), timed(math_verify, pairs)
        report[name] = row_of(name, ours, theirs)
        all_ours += ours
        all_theirs += theirs
    report["all"] = row_of("**all**", all_ours, all_theirs)
    return report


def mix(data: Path) -> Iterator[tuple[str, list[Pair]]]:
    rng = random.Random(1)
    yield "labelled", [(row["gold"], row["candidate"]) for row in lines(data / "answer_pairs.jsonl")]
    rows = [json.loads(line) for line in gzip.decompress((data / "gsm8k_rollouts.jsonl.gz").read_bytes()).splitlines()]
    boxed = {
        (row["answer"], found.answer)
        for row in rows
        for text in row["rollouts"]
        if (found := final_answer(text)) and found.how == "boxed"
    }
    yield "rollouts", rng.sample(sorted(boxed), SAMPLE)
    answers = [row["answer"] for row in lines(data / "math_problems.jsonl") if row["answer"].strip()]
    rewrites = list(REWRITES.values())
    changed = [(a, b) for a in rng.sample(answers, 3 * SAMPLE) if (b := rng.choice(rewrites)(a)) != a]
    yield "golds, rewritten", changed[:SAMPLE]
    yield "golds, another", [(a, rng.choice(answers)) for a in rng.sample(answers, SAMPLE)]


def uncached(checker: Checker) -> Callable[[str, str], object]:
    def compare(gold: str, answer: str) -> object:
        read.cache_clear()
        checker.forget()
        return checker.equivalent(gold, answer)

    return compare


def timed(compare: Callable[[str, str], object], pairs: Sequence[Pair]) -> list[float]:
    found = []
    for gold, answer in pairs:
        began = time.perf_counter()
        compare(gold, answer)
        found.append(time.perf_counter() - began)
    return found


def row_of(name: str, ours: list[float], theirs: list[float]) -> dict[str, float]:
    per_second = [len(times) / sum(times) for times in (ours, theirs)]
    p99 = [1000 * statistics.quantiles(times, n=100)[98] for times in (ours, theirs)]
    p50 = 1000 * statistics.median(ours)
    ratio = per_second[0] / per_second[1]
    print(
        f"| {name} | {len(ours):,} | {per_second[0]:,.0f} | {per_second[1]:,.0f} | {ratio:.1f} | {p50:.3f} | {p99[0]:.1f} |"
        f" {p99[1]:.1f} |"
    )
    return {
        "n": len(ours),
        "sparq/s": per_second[0],
        "math-verify/s": per_second[1],
        "ratio": ratio,
        "p50": p50,
        "p99": p99[0],
    }


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


if __name__ == "__main__":
    main()
