"""
Every hook with every fault: the run ends as it should, names who is at fault, and goes on once the plugin is mended.

The good plugins and their wrong answers are those of `test_wrong_answers`; what is odd here, beside them, is what no answer of
a hook is: an exception of a signal, a full disk, a hang, a text that no file holds. A text is data, so a run
of such texts may end; it is then whole.
"""

import re
import shutil
from pathlib import Path
from random import Random
from typing import NamedTuple

import yaml
from test_wrong_answers import (
    AUDIT,
    AUDITS,
    BAD,
    EVERYWHERE,
    HEAD,
    LATER,
    WHEN,
    code,
    pipeline_with,
    with_good_plugins,
)

from sparq_core import hookspecs
from sparq_core.cli import watchdog
from sparq_core.ledger.reader import Reader
from sparq_core.testing import run_pipeline
from sweeps.children import Done, sparq

FAILED, WRONG_COMMAND, RESUMABLE = 1, 2, 4
RAISED = {
    **EVERYWHERE,
    "interrupts": "raise KeyboardInterrupt",
    "has no memory": "raise MemoryError",
    "has a full disk": "import errno; raise OSError(errno.ENOSPC, 'No space left on device', '/scratch/x')",
    "raises a long text": "raise ValueError('x' * 1_000_000)",
    "raises a surrogate": "raise ValueError('\\ud800\\x1b[2J\\n[/red]')",
    "raises what cannot be told": "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()",
    "ends the generator": "raise StopIteration",
    "recurses": "f = lambda: f(); f()",
}
REFUSED = ("has no memory", "has a full disk")
"""What is the machine's fault."""
HANGS = "import time; time.sleep(60)"
TEXTS = {
    "surrogates": "'\\ud800'",
    "a million characters": "'x' * 1_000_000",
    "controls": "'\\x1b[2J\\x00\\u202e[/red]'",
}
IN_A_TEXT = {
    "check": "return [sparq.Finding(level='warning', place=T, message=T)]",
    "start": "self.run = run",
    "load_seeds": "return [replace(d, statement=T + d.statement, solution=T, extra={'t': T}) for d in good]",
    "select": "return [T] * n",
    "propose": "return [replace(d, statement=T, answer=T, solution=T, operator=T, extra={T: T}) for d in good]",
    "admit": "return [T for _ in good]",
    "screen": "return [T for _ in good]",
    "verify": "return [replace(v, reason=T, answer=T) for v in good]",
    "assess": "return [replace(a, reason=T) for a in good]",
    "describe": "return [{'size': T} for d in good]",
    "commit": "return {T: 1.0}",
    "curate": "return [replace(good[0], problem=T)]",
    "train": "(out / 'config.json').write_text('{}'); (out / 'x.txt').write_bytes(T.encode(errors='replace'))",
    "benchmark": "return [replace(s, task=T, item=T + s.item) for s in good]",
    "benchmark_texts": "return [sparq.BenchmarkText(task=T, text=T)]",
    "sampler": "return Scripted(lambda r: [[sparq.Completion(text=T, finish='stop', tokens=1)] * q.n for q in r])",
}
"""How each hook answers with a text."""
WATCHED = ("observe", "stop")


class Fault(NamedTuple):
    """A fault of a hook."""

    name: str
    body: str
    codes: tuple[int, ...]
    """Exit codes that are right."""


def faults(hook: str) -> list[Fault]:
    """All that a hook may do wrong."""
    raised = [Fault(n, body, (RESUMABLE, WRONG_COMMAND) if n in REFUSED else (FAILED,)) for n, body in RAISED.items()]
    if hook == "audit":
        wrong = [Fault(name, body, (FAILED,)) for name, body in AUDITS.items() if name not in EVERYWHERE]
        return [f if f.name not in REFUSED else f._replace(codes=(FAILED, *f.codes)) for f in raised] + wrong
    if hook in WATCHED:
        return [f._replace(codes=(0,)) for f in raised]
    answers = [Fault(name, body, (FAILED,)) for name, body in BAD[hook].items()]
    texts = [Fault(n, f"T = {t}; {IN_A_TEXT[hook]}", (0, FAILED)) for n, t in TEXTS.items() if hook in IN_A_TEXT]
    hangs = [] if watchdog.LONG.get(getattr(hookspecs, hook)) == watchdog.NEVER else [Fault("hangs", HANGS, (FAILED,))]
    return raised + answers + texts + hangs


class Hooks:
    """A hook and a fault a trial."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / "hooks"
        self._run, self._pipeline, self._odd = (self._home / n for n in ("run", "pipeline.yaml", "odd.py"))
        self._whole: dict[str, str] = {}

    def __call__(self, rng: Random) -> str | None:
        if not self._home.exists():
            self._home.mkdir()
            with_good_plugins(self._home)
        hook = rng.choice(hookspecs.HOOKS)
        fault, step = rng.choice(faults(hook)), rng.randint(1, 3)
        told = self._audited(fault) if hook == "audit" else self._tried(hook, fault, step)
        return told and f"{hook}, step {step}, {fault.name}: {told}"

    def _tried(self, hook: str, fault: Fault, step: int) -> str | None:
        self._pipeline.write_text(yaml.safe_dump(pipeline_with(hook), sort_keys=False))
        if hook not in self._whole:
            self._odd.write_text(_code(hook, None, step))
            done = self._go()
            assert done.code == 0, done.err
            self._whole[hook] = self._digest()
        self._odd.write_text(_code(hook, fault.body, step))
        limit = ("--hook-limit", "2") if fault.body == HANGS else ()
        done = self._go(*limit)
        if told := self._wrongly_told(hook, fault, step, done):
            return told
        if done.code == 0:
            return self._unsound() if hook not in WATCHED or self._digest() == self._whole[hook] else "another digest"
        self._odd.write_text(_code(hook, None, step))
        mended = self._go("--resume", "--accept-changes")
        if mended.code:
            return f"mended, exit code {mended.code}: {mended.err[-300:]}"
        return None if self._digest() == self._whole[hook] else "mended, it comes to another end"

    def _go(self, *arguments: str) -> Done:
        if "--resume" not in arguments:
            shutil.rmtree(self._run, ignore_errors=True)
        command = ("run", str(self._pipeline), "--out", str(self._run), *arguments)
        return sparq(self._home, *command, before=lambda: setattr(watchdog, "EVERY", 0.05))

    def _digest(self) -> str:
        with Reader.open(self._run) as ledger:
            return ledger.last_digest()

    def _wrongly_told(self, hook: str, fault: Fault, step: int, done: Done) -> str | None:
        if done.code not in fault.codes:
            return f"exit code {done.code}: {done.err[-500:]}"
        if done.code == 0:
            warned = hook not in WATCHED or "./odd.py:Odd" in done.out + done.err
            return None if warned and "Traceback" not in done.out + done.err else f"no warning: {done.err[-300:]}"
        told = done.out + done.err
        if "Traceback" in told or re.search(r'File "[^"]*/sparq_core/', told):
            return f"a traceback of ours: {told[-500:]}"
        if len(re.findall(r"^error: ", told, re.MULTILINE)) != 1:
            return f"not one error: {told[-500:]}"
        if len(told) > 20_000:
            return f"{len(told)} characters"
        flat = " ".join(told.split())
        names = ["models.student" if hook == "sampler" else "./odd.py:Odd", f"hook `{hook}`", _when(hook, step)]
        missing = [name for name in names if name not in flat]
        return f"does not name {missing}: {told[-500:]}" if missing else None

    def _unsound(self) -> str | None:
        """What is wrong with a run that has ended with odd texts in it."""
        before = self._digest()
        for arguments in (
            ("doctor", str(self._run)),
            ("status", str(self._run)),
            ("show", str(self._run), "1.1.0"),
            ("export", str(self._run)),
            ("run", str(self._pipeline), "--out", str(self._run), "--resume"),
        ):
            done = sparq(self._home, *arguments)
            if done.code or "Traceback" in done.err:
                return f"{arguments[0]}, exit code {done.code}: {(done.out + done.err)[-500:]}"
        return None if self._digest() == before else "resumed, it has another digest"

    def _audited(self, fault: Fault) -> str | None:
        audited = self._home / "audited" / "run"
        if not audited.exists():
            audited.parent.mkdir()
            with_good_plugins(audited.parent)
            (audited.parent / "odd.py").write_text(code("verify", None))
            run_pipeline(pipeline_with("verify"), audited.parent)
        shutil.rmtree(audited / "audit", ignore_errors=True)
        use = self._home / "auditor.py"
        use.write_text(AUDIT.format(fault.body))
        done = sparq(self._home, "audit", str(audited), "--use", f"{use}:Odd")
        if done.code not in fault.codes or done.unclear:
            return f"exit code {done.code}: {done.unclear or done.err[-300:]}"
        if "hook `audit`, batch 1" not in " ".join(done.err.split()):
            return f"does not name the hook: {done.err[-300:]}"
        use.write_text(AUDIT.format("return good"))
        again = sparq(self._home, "audit", str(audited), "--use", f"{use}:Odd")
        return f"again: {again.err[-300:]}" if again.code else None


def _code(hook: str, body: str | None, step: int) -> str:
    """The plugin, wrong from a step on."""
    if hook in WATCHED:
        argument = ", event" if hook == "observe" else ""
        return f"{HEAD}class Odd:\n    @sparq.hookimpl\n    def {hook}(self{argument}): {body or 'pass'}\n"
    made = code(hook, body)
    if hook in LATER:
        condition = LATER[hook]
        made = made.replace(condition, re.sub(r"1\.2\.", f"1.{step}.", condition).replace("(1, 2)", f"(1, {step})"))
        made = made.replace("if not (step == 2)", f"if not (step == {step})")
    return made


def _when(hook: str, step: int) -> str:
    """The place that an error is to name."""
    if hook == "propose":
        return "step 1."
    return f"step 1.{step}" if hook in LATER else WHEN.get(hook, "")
