"""
The paper in miniature: `make study`, or `python benchmarks/paper.py --minutes 60`.

Makes the students, one of each size, by training on the seeds' own solutions, where `benchmarks/paper/students/` has none;
continues the studies in `benchmarks/paper/` one after the other until the time is up; then writes `benchmarks/paper.md` and
`benchmarks/results/paper/` from what is finished, with a note of each finished cell, by which another machine goes on.
All of it takes some hours on two cores.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alarms import raised
from looks import looks
from msgspec import Struct

from sparq_core.study.ended import ENDED

ROOT = Path(__file__).parent.parent
STUDIES = ROOT / "benchmarks" / "paper"
TABLES = ROOT / "benchmarks" / "results" / "paper"
PAGE = ROOT / "benchmarks" / "paper.md"
SIZES = ("0.3", "0.6", "1.2", "2.5")
ALL_SIZES = {"students", "generators"}
"""The studies that need a student of every size; the others have the 1.2m's."""
ORDER = ("filters", "variants", "scaling", "adaptive", "rounds", "students", "generators", "seeds", "ideas")
EARLY = ("settled", "pilot", "bayes", "settled-partial", "bayes-partial")
SURE = 0.05
ID, OOD = "in_distribution", "out_of_distribution"


class Claim(Struct, frozen=True):
    """What the paper says, and the difference of a study that would show it here."""

    says: str
    paper: str
    """The paper's figure."""
    study: str
    arm: str
    """For a trend, the factor."""
    against: str | None
    """None for a trend: what a doubling of the factor adds."""
    task: str
    sign: int = 1
    """Of the difference, as the paper has it; 0 where it says there is none."""


def _filters() -> Iterator[Claim]:
    for budget in (32, 64, 128, 256):
        for by, says, paper, task in (
            ("qd", "the QD filter beats random, in distribution", "up to +3", ID),
            ("qd", "the QD filter beats random, out of distribution", "best or tied", OOD),
            ("diversity", "the diversity filter beats random, out of distribution", "25 against 19 at pass@96", OOD),
            ("quality", "hard problems (mean quality 0.8) beat random", "0.8 over 0.2: +2.5", ID),
        ):
            yield Claim(f"{says}, {budget} problems", paper, "filters", f"{by}/{budget}", f"random/{budget}", task)


def _ideas() -> Iterator[Claim]:
    for arm, says, paper in (
        ("clusters", "niches by clusters of embeddings", "+4.0 and +3.7 (Prism)"),
        ("complexity", "niches by a complexity attribute, too", "+8.2 and +7.2 (EvoTD, all of it)"),
        ("unsolved", "parents that are hardly solved", "+7% (SGS, with its guide)"),
        ("dropout", "vocabulary dropout of the generator", "+4.4 (2604.03472)"),
        ("caps", "caps on a skill's share", "+2.4 (Laimark, 61.0 to 63.4)"),
        ("variance", "problems solved nearest to half the time", "not given (RAGEN-2)"),
    ):
        yield Claim(says, paper, "ideas", arm, "static-uniform", ID)
        yield Claim("… out of distribution", "not given", "ideas", arm, "static-uniform", OOD)


HEAD = f"""\
# The paper in miniature

Written by `make study`: every claim of the paper that can be tested with
[models of a few million parameters](../docs/explanation/miniature.md), next to the paper's figure. *Confirmed* means that the
difference has the paper's sign and p below {SURE}, corrected for all comparisons of its study by Holm's method; *opposite sign
here* means that it has the other sign, with p below {SURE}; everything else is *not seen*. Differences are in percentage
points, each with its own 95% interval over seeds and items. A trend is what a doubling adds.

| study | cells | attempts drawn | tokens drawn |
|---|---|---|---|"""


SECTIONS: Mapping[str, Sequence[Claim]] = {
    "1. Variants, at equal attempts": [
        Claim(
            "static uniform beats QD generation", "47 against 44", "variants", "map-elites", "static-uniform", ID, -1
        ),
        Claim("… out of distribution", "25 against less", "variants", "map-elites", "static-uniform", OOD, -1),
        Claim(
            "static uniform beats dynamic uniform",
            "figure only",
            "variants",
            "dynamic-uniform",
            "static-uniform",
            ID,
            -1,
        ),
        Claim("… out of distribution", "close to, below", "variants", "dynamic-uniform", "static-uniform", OOD, -1),
        Claim("static uniform beats unbounded QD", "47 against 43", "variants", "unbounded", "static-uniform", ID, -1),
        Claim("… out of distribution", "25 against 21", "variants", "unbounded", "static-uniform", OOD, -1),
        Claim(
            "new problems beat more attempts at the seeds",
            "47 against 38",
            "variants",
            "no-generation",
            "static-uniform",
            ID,
            -1,
        ),
        Claim("… out of distribution", "25 against 20", "variants", "no-generation", "static-uniform", OOD, -1),
        Claim("training helps at all", "38 to 47", "variants", "static-uniform", "base", ID),
        Claim("… out of distribution", "20 to 25", "variants", "static-uniform", "base", OOD),
    ],
    "2. Filters at fixed budgets": list(_filters()),
    "3. Scaling, per doubling": [
        Claim("more generated problems", "+1.5 for three times", "scaling", "steps", None, ID),
        Claim("… out of distribution", "more at every n", "scaling", "steps", None, OOD),
        Claim("larger students", "9b +20%, 2b +15%", "students", "student", None, ID),
        Claim("larger generators", "+5%, +2.5, +1.5", "generators", "generator", None, ID),
    ],
    "4. Coverage": [
        Claim(
            "QD generation fills more niches",
            "5,000 against 4,250",
            "variants",
            "map-elites",
            "static-uniform",
            "filled_niches",
        ),
        Claim(
            "QD generation keeps fewer problems", "less yield", "variants", "map-elites", "static-uniform", "kept", -1
        ),
    ],
    "5. Self-improvement over four rounds": [
        Claim("continuing beats starting again", "not given", "rounds", "current", "again", ID),
        Claim("accumulating beats the last round alone", "elsewhere: yes", "rounds", "accumulated", "again", ID),
    ],
    "6. Attempts that stop early": [
        Claim(f"{rule}: fewer attempts", "ours", "adaptive", rule, "all-at-once", "attempts", -1) for rule in EARLY
    ]
    + [Claim(f"{rule}: a model no worse", "ours", "adaptive", rule, "all-at-once", ID, 0) for rule in EARLY],
    "7. How many seeds": [
        Claim("more seeds", "40 with 700, 47 with 7,500", "seeds", "seeds", None, ID),
        Claim("… out of distribution", "not given", "seeds", "seeds", None, OOD),
    ],
    "8. Ideas of other papers, at equal attempts and equal data": list(_ideas()),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--minutes", type=float, default=60, help="stop after so many minutes; the next call continues"
    )
    options.add_argument("--runs", type=Path, default=ROOT / "runs" / "paper", help="where the studies' folders are")
    options.add_argument("--only", nargs="+", default=ORDER, choices=ORDER)
    given = options.parse_args()
    until = time.monotonic() + 60 * given.minutes
    for name in given.only:
        bring_back(name, given.runs / name)
        if time.monotonic() < until:
            for size in SIZES if name in ALL_SIZES else ("1.2",):
                make_student(f"sparq-{size}m", given.runs / "students" / size)
            go_on(name, given.runs / name, until)
    for name in ORDER:
        collect(name, given.runs / name)
    for file, seen in (("looks", looks(given.runs / "variants")), ("alarms", raised(given.runs / "rounds"))):
        if seen:
            (TABLES / f"{file}.json").write_text(json.dumps(seen, indent=1) + "\n")
    PAGE.write_text(page())
    print(f"wrote {PAGE.relative_to(ROOT)}")


def make_student(model: str, out: Path) -> None:
    """Train it on the seeds, benchmark it, and put it where the studies' pipeline looks for it."""
    place = STUDIES / "students" / model
    if not place.exists():
        pipeline, settings = ROOT / "examples" / "miniature.yaml", ("rounds=0", f"models.student.model={model}")
        command = [sys.executable, "-m", "sparq_core.cli", "run", str(pipeline), "--out", str(out)]
        subprocess.run([*command, "--resume", *(part for s in settings for part in ("--set", s))], check=True)
        shutil.copytree(out / "models" / "round-0", place)


def go_on(name: str, out: Path, until: float) -> None:
    """Continue a study, and stop it as Ctrl-C does when the time is up."""
    command = [sys.executable, "-m", "sparq_core.cli", "study", f"{STUDIES / name}.yaml", "--out", str(out), "--resume"]
    process = subprocess.Popen(command)
    try:
        code = process.wait(max(1.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        code = process.wait()
    if code not in {0, 4}:
        sys.exit(f"{name}: sparq study ended with {code}")


def bring_back(name: str, out: Path) -> None:
    """Put the notes of the cells that are kept in the repository where their runs would be, so that none is run again."""
    if (kept := TABLES / "cells" / f"{name}.json").exists():
        for cell, note in json.loads(kept.read_text()).items():
            if not (folder := out / "cells" / cell).exists():
                folder.mkdir(parents=True)
                (folder / ENDED).write_text(json.dumps(note))


def collect(name: str, out: Path) -> None:
    """Keep a study's notes, table and pictures in the repository, without what only this machine knows."""
    if not (out / "results.json").exists():
        return
    keep_notes(name, out)
    for file in (out / "results.json", out / "results.md", *out.glob("*.svg")):
        shutil.copy(file, TABLES / f"{name}{'-' + file.stem if file.suffix == '.svg' else ''}{file.suffix}")


def keep_notes(name: str, out: Path) -> None:
    """Keep the notes of a study's finished cells, for `bring_back`."""
    notes = {str(note.parent.relative_to(out / "cells")): note for note in sorted(out.glob(f"cells/**/{ENDED}"))}
    (TABLES / "cells").mkdir(parents=True, exist_ok=True)
    told = [f"{json.dumps(cell)}: {note.read_text()}" for cell, note in notes.items()]
    (TABLES / "cells" / f"{name}.json").write_text("{\n" + ",\n".join(told) + "\n}\n")


def page() -> str:
    results = {name: found for name in ORDER if (found := _kept(name))}
    lines = [HEAD]
    for name in ORDER:
        if name in results:
            r = results[name]
            told = f"{r['done']} of {r['cells']} | {r['drawn']['attempts']:,} | {r['drawn']['tokens']:,} |"
            lines.append(f"| [{name}](results/paper/{name}.md) | {told}")
        else:
            lines.append(f"| {name} | not run yet | | |")
    for title, claims in SECTIONS.items():
        lines += ["", f"## {title}", "", "| claim | paper | here | verdict |", "|---|---|---|---|"]
        lines += [_told(claim, results.get(claim.study)) for claim in claims]
        lines += list(_seen(title, results))
    return "\n".join(lines) + "\n"


def _kept(name: str) -> dict[str, Any]:
    file = TABLES / f"{name}.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def _told(claim: Claim, results: Mapping[str, Any] | None) -> str:
    found = _found(claim, results) if results else None
    if found is None:
        return f"| {claim.says} | {claim.paper} | not run yet | |"
    here, low, high, p, seeds = found
    scale, digits = (1, ".0f") if claim.task in {"kept", "attempts", "filled_niches"} else (100, ".1f")
    between = "" if low is None or high is None else f" ({scale * low:+,{digits}} to {scale * high:+,{digits}})"
    told = f"{scale * here:+,{digits}}{between}, {seeds} seeds"
    return f"| {claim.says} | {claim.paper} | {told} | {_verdict(claim.sign, here, p, low)} |"


def _found(claim: Claim, results: Mapping[str, Any]) -> tuple[float, float | None, float | None, float, int] | None:
    """Difference or slope, its interval where there is one, p and seeds."""
    if claim.against is None:
        seeds = max((m["seeds"] for m in results["means"]), default=0)
        for t in results["trends"]:
            if (t["factor"], t["task"]) == (claim.arm, claim.task):
                p = 0.0 if t["low"] is not None and (t["low"] > 0 or t["high"] < 0) else 1.0
                return t["per_doubling"], t["low"], t["high"], p, seeds
        return None
    for d in results["differences"]:
        if (d["arm"], d["against"], d["task"]) == (claim.arm, claim.against, claim.task):
            return d["difference"], d["low"], d["high"], d["p_holm"], d["seeds"]
    return None


def _verdict(sign: int, here: float, p: float, low: float | None) -> str:
    if sign == 0 and low is not None:
        return "worse here" if p < SURE and here < 0 else f"not worse than by {max(0.0, -100 * low):.1f} points"
    if p >= SURE:
        return "not seen"
    return "confirmed" if here * sign > 0 else "opposite sign here"


def _seen(title: str, results: Mapping[str, Any]) -> Iterator[str]:
    """What a section shows beside its claims."""
    if title.startswith("4") and (seen := _kept("looks")):
        yield from ("", *seen["told"])
    if title.startswith("5") and "rounds" in results:
        yield from _rounds(results["rounds"]["means"], _kept("alarms"))


def _rounds(means: Sequence[Mapping[str, Any]], alarms: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """The score of each round's model, and the alarms of the reports."""
    stages = list(dict.fromkeys(m["stage"] for m in means))
    scores = {(m["arm"], m["task"], m["stage"]): f"{100 * m['mean']:.1f}" for m in means}
    yield from ("", "Scores in % by round, means over seeds and items:", "")
    yield f"| arm | task | {' | '.join(stages)} |"
    yield f"|---|---|{'---|' * len(stages)}"
    for arm, task in dict.fromkeys((m["arm"], m["task"]) for m in means):
        yield f"| {arm} | {task} | {' | '.join(scores.get((arm, task, stage), '') for stage in stages)} |"
    if alarms:
        yield from ("", "What the reports of these runs raise an alarm about:", "")
    for arm, found in alarms.items():
        told = [f"{what} ({n} of {found['runs']} runs)" for what, n in found.items() if what != "runs"]
        yield f"- {arm}: {'; '.join(told) or 'nothing'}"


if __name__ == "__main__":
    main()
