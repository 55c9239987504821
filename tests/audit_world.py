"""
A world of sums in which it is known which problems are valid.

Each problem is as hard as its statement says, and the harder it is, the more often its reference was planted wrong. The student
is told the reference and gives it as often as the problem is easy; the reference solver never sees it and slips now and then.
"""

from pathlib import Path
from typing import Any

from sparq_core.testing import Ran, run_pipeline

WRONG = {0.0: 0.7, 0.15: 0.5, 0.4: 0.3, 0.65: 0.15, 0.9: 0.05, 1.0: 0.01}
"""How many references are wrong, by the solve rate that is planted."""
OFTEN = [5, 3, 1, 1, 1, 3]
"""How many problems there are of each of these rates, one to the other: most are too hard or too easy."""
WORLD = f"""
import re
import time
from pathlib import Path
import sparq_core as sparq
from sparq_core.testing import ScriptedSampler

WRONG, OFTEN = {WRONG}, {OFTEN}
SUM = re.compile(r"What is (\\d+) \\+ (\\d+), at (\\S+)\\?")

def solve(statement):
    a, b, rate = SUM.search(statement).groups()
    return int(a) + int(b), float(rate)

class World:
    @sparq.hookimpl
    def load_seeds(self):
        return [sparq.Draft(statement="What is 1 + 1, at 0.5?", answer="2")]
    @sparq.hookimpl
    def propose(self, parents, rng):
        return [self.child(parent, rng) for parent in parents]
    def child(self, parent, rng):
        a, b, (rate,) = rng.randrange(10_000), rng.randrange(10_000), rng.choices(list(WRONG), OFTEN)
        answer = a + b + 1_000_000 * (rng.random() < WRONG[rate])
        return sparq.Draft(statement=f"What is {{a}} + {{b}}, at {{rate}}?", answer=str(answer), parents=(parent.id,))
    @sparq.hookimpl
    def verify(self, trials):
        return [self.verdict(t.attempt.text, t.problem.answer) for t in trials]
    def verdict(self, text, answer):
        if not text:
            return sparq.Verdict(value="unknown", reason="no-answer")
        return sparq.Verdict(value="correct" if text == answer else "incorrect", answer=text)

class Rules:
    @sparq.hookimpl
    def audit(self, problems):
        return [self.verdict(p.answer, str(solve(p.statement)[0])) for p in problems]
    def verdict(self, reference, answer):
        return sparq.Verdict(value="correct" if answer == reference else "incorrect", reason="rules", answer=answer)

class Student:
    @sparq.hookimpl
    def sampler(self):
        return Answers(lambda prompt, rng: prompt.split()[-1] if rng.random() < solve(prompt)[1] else "0")

class Solver:
    def slip(self, rng): return rng.randrange(100, 900) if rng.random() < 0.1 else 0
    @sparq.hookimpl
    def sampler(self):
        return Answers(lambda prompt, rng: str(solve(prompt)[0] + self.slip(rng)))

class Slow(Solver):
    @sparq.hookimpl
    def sampler(self):
        return Told(super().sampler().answer)

class Answers(ScriptedSampler):
    def __init__(self, answer): super().__init__({{}}); self.answer = answer
    def sample(self, requests): return [[self.one(q, q.seed + j) for j in range(q.n)] for q in requests]
    def one(self, request, seed):
        text = self.answer(request.messages[-1].content, sparq.generator(seed))
        return sparq.Completion(text=text, finish="stop", tokens=1)

class Told(Answers):
    \"\"\"Takes its time, and writes down what it was asked, in the folder it is called from.\"\"\"
    def sample(self, requests):
        time.sleep(0.05)
        while Path("hold").exists():
            time.sleep(0.01)
        if Path("broken").exists():
            raise ConnectionError("the server is gone")
        with Path("asked.txt").open("a") as file:
            file.writelines(q.messages[-1].content + "\\n" for q in requests)
        return super().sample(requests)
"""


def make_world(folder: Path, steps: int, **settings: Any) -> Ran:
    """A finished run of this world with 64 children a step."""
    folder.mkdir(exist_ok=True)
    (folder / "world.py").write_text(WORLD)
    pipeline = {
        "name": "world",
        "seed": 1,
        "steps": steps,
        "batch": 64,
        "models": {"student": {"use": "./world.py:Student", "model": "student"}},
        "attempts": {"k": 16, "prompt": "{{ problem.statement }} {{ problem.answer }}"},
        "plugins": [{"use": "./world.py:World"}, {"use": "static-uniform"}, {"use": "band"}],
        **settings,
    }
    return run_pipeline(pipeline, folder)


def planted(ran: Ran) -> dict[str, bool]:
    """Which of the run's problems are valid."""
    with ran.read() as ledger:
        rows = ledger.query("SELECT id, answer FROM problem WHERE round > 0")
        return {id_: int(answer) < 1_000_000 for id_, answer in rows}
