"""
Power cuts: a run, and commands on a finished one, are cut off at any call, and must go on from what `power.Disk` leaves.

For a process that has the shim. What was told to the user before the cut has to be there after it.
"""

import json
import re
import sqlite3
import sys
from contextlib import closing
from functools import cached_property
from pathlib import Path
from random import Random

from faults.kills import read, story
from faults.power import SYNCS, Luck, content_of
from faults.worlds import LOCAL, NETWORK, History, World, made_run
from sparq_core import replay
from sparq_core.ledger import storage
from sparq_core.ledger.doctor import examine
from sparq_core.ledger.findings import FOLDER, Audited, Findings
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.recovery import recover
from sparq_core.publish.export import Order, export

VIEWS = ("curation-", "export")
"""How the names of files begin that commands add to a run."""
JOURNALS = {storage.DATABASE + kind for kind in storage.JOURNALS}


class Run:
    """The run is cut off, and gone on with."""

    def __init__(self, world: World) -> None:
        self.world = world

    def before(self) -> dict[str, bytes]:
        """The disk that it finds."""
        return {}

    def act(self) -> None:
        """Begin, or go on with what is there, and tell of all that is committed."""
        self.world.go(resume=(self.world.run / storage.DATABASE).exists())

    def refused(self) -> str | None:
        """Why it does not go on after a cut."""
        return self.world.refused(self.act)

    def end(self) -> object:
        """What it comes to."""
        return story(self.world.run), self.world.files()

    @cached_property
    def history(self) -> History:
        return self.world.record(self.before(), self.act)

    @cached_property
    def expected(self) -> object:
        self.world.put(self.before())
        assert (why := self.world.refused(self.act)) is None, why
        return self.end()

    def __call__(self, moment: int, luck: Luck) -> str | None:
        """What falls short."""
        world, expected = self.world, self.expected
        disk, told = self.history.cut(world.disk, moment)
        world.clear()
        disk.write(world.disk, luck)
        if (world.run / storage.DATABASE).exists() and (why := world.refused(lambda: read(world.run))):
            return f"cannot be read: {why}"
        if why := self.refused():
            return f"does not go on: {why}"
        if twice := set(told) & set(world.told_now()):
            return f"told before the cut and done again: {sorted(twice)}"
        return None if self.end() == expected else "ends otherwise"


class Resumed(Run):
    """Cut off in the midst of a commit, where the most is half written, gone on with, and cut off again."""

    @cached_property
    def half_written(self) -> dict[str, bytes]:
        first = Run(self.world).history
        commits = [i for i, change in enumerate(first.changes) if change.name in SYNCS and change.path.name in JOURNALS]
        disk, _ = first.cut(self.world.disk, commits[len(commits) // 2] + 2)
        self.world.clear()
        disk.write(self.world.disk, Luck(1.0, 1.0))
        return content_of(self.world.disk)

    def before(self) -> dict[str, bytes]:
        return self.half_written


class Extended(Run):
    """A run that has ended gets a step more in its last round, whose dataset and weights are then replaced."""

    def before(self) -> dict[str, bytes]:
        return self.world.finished

    def act(self) -> None:
        self.world.go(resume=True, more=True)


class Audit(Run):
    """An audit, whose findings are appended to a file, some at a time."""

    def before(self) -> dict[str, bytes]:
        return self.world.finished

    def act(self) -> None:
        with Findings(self.world.run, {"asked": "for cuts"}) as findings:
            for i in range(4):
                if rows := [row for j in range(2) if (row := _finding(f"{i}.{j}")).id not in findings.rows]:
                    findings.add(rows)
                    self.world.tell(f"findings {i}")

    def refused(self) -> str | None:
        """A line of which a part is lost may be refused, if what is said helps: to delete it."""
        while (why := super().refused()) and (
            line := re.search(r"/(audit-1.jsonl), line (\d+): .* delete that line", why)
        ):
            path = self.world.run / FOLDER / line[1]
            lines = path.read_bytes().splitlines(keepends=True)
            del lines[int(line[2]) - 1]
            path.write_bytes(b"".join(lines))
        return why

    def end(self) -> object:
        return {name: sorted(data.splitlines()) for name, data in content_of(self.world.run / FOLDER).items()}


def _finding(id_: str) -> Audited:
    reason = f"because of {id_} " * 30
    return Audited(
        id=id_, bin="all", solve_rate=None, outcome="kept", verdict="valid", reason=reason, reference=None, answer=None
    )


class Command:
    """A command on a finished run is cut off, and called again."""

    product: str
    """The file or folder that it makes, below the run's parent."""

    def __init__(self, world: World) -> None:
        self.world = world

    def before(self) -> dict[str, bytes]:
        """The disk that it finds."""
        return self.world.finished

    def act(self) -> None:
        raise NotImplementedError

    def views(self) -> list[int]:
        """The sizes of the views that were added to the finished run."""
        return []

    @cached_property
    def history(self) -> History:
        def told() -> None:
            self.act()
            self.world.tell("done")

        return self.world.record(self.before(), told)

    @cached_property
    def expected(self) -> tuple[object, list[int]]:
        """What it makes: the product, and the view."""
        self.world.put(self.before())
        assert self.world.refused(self.act) is None
        return self.made(), self.views()

    @cached_property
    def found(self) -> tuple[object, object]:
        """The run that it finds, and what is in the place of its product."""
        self.world.put(self.before())
        return self._run(), self.made()

    def made(self) -> object:
        """The product as it is now; None where there is none."""
        path = self.world.run.parent / self.product
        return path.read_bytes() if path.exists() else None

    def __call__(self, moment: int, luck: Luck) -> str | None:
        """What falls short."""
        world, (product, view), (run_before, made_before) = self.world, self.expected, self.found
        disk, told = self.history.cut(world.disk, moment)
        world.clear()
        disk.write(world.disk, luck)
        made = self.made()
        if made != product and (told or made != made_before):
            return f"{self.product} is {'lost' if made == made_before else 'neither whole nor absent'}"
        if why := world.refused(lambda: read(world.run)):
            return f"cannot be read: {why}"
        return self.again(whole=made == product) or self._judged(view, run_before, bool(told))

    def again(self, *, whole: bool) -> str | None:
        """What is wrong when it is called once more."""
        if why := self.world.refused(self.act):
            return f"cannot be called again: {why}"
        return None

    def _judged(self, view: list[int], run_before: object, told: bool) -> str | None:
        views = self.views()
        if views not in ([2 * view] if told else [view, 2 * view]):
            return f"views of {views}, to be {view} each"
        return None if self._run() == run_before else "the run is not as it was"

    def _run(self) -> object:
        """The run itself, which no command changes."""
        own = {name: data for name, data in self.world.files().items() if not Path(name).stem.startswith(VIEWS)}
        with Reader.open(self.world.run) as ledger:
            return ledger.last_digest(), examine(self.world.run).is_sound, own

    def query(self, sql: str) -> list[int]:
        with Reader.open(self.world.run) as ledger:
            return [count for (count,) in ledger.query(sql)]


class Curate(Command):
    product = "sums/dataset/curation-3.jsonl"

    def act(self) -> None:
        replay.curate(self.world.run, "curate-band", [], None)

    def views(self) -> list[int]:
        counted = (
            "SELECT count(c.curation) FROM curation LEFT JOIN curated c ON c.curation = id WHERE id > 2 GROUP BY id"
        )
        return self.query(counted)


class Regrade(Command):
    product = "none"

    def act(self) -> None:
        replay.regrade(self.world.run, [])

    def views(self) -> list[int]:
        counted = "SELECT count(v.grading) FROM grading g LEFT JOIN verdict v ON v.grading = g.id WHERE g.id > 1 GROUP BY g.id"
        return self.query(counted)


class Export(Command):
    """It replaces an earlier export of one row."""

    product = "sums/dataset/export.jsonl"

    def before(self) -> dict[str, bytes]:
        first = self.world.finished["runs/sums/dataset/round-1.jsonl"].splitlines(keepends=True)[0]
        return {**self.world.finished, f"runs/{self.product}": first}

    def act(self) -> None:
        export(Order(runs=[self.world.run]), str(self.world.run / "dataset" / "export.jsonl"))


class Fork(Command):
    """As a study makes a run that goes on from another."""

    product = "forks/anew"

    def act(self) -> None:
        self.world.fork(self.world.run.parent / self.product)

    def made(self) -> object:
        return made_run(self.world.run.parent / self.product)

    def again(self, *, whole: bool) -> str | None:
        return None if whole else super().again(whole=whole)


class Recover(Command):
    """Of a run whose last step was changed by hand."""

    product = "recovered/anew"

    @cached_property
    def damaged(self) -> dict[str, bytes]:
        self.world.put(self.world.finished)
        with closing(sqlite3.connect(self.world.run / storage.DATABASE)) as connection, connection:
            connection.execute("UPDATE problem SET statement = 'other' WHERE id LIKE '2.2.%'")
        return content_of(self.world.disk)

    def before(self) -> dict[str, bytes]:
        return self.damaged

    def act(self) -> None:
        recover(self.world.run, self.world.run.parent / self.product, examine(self.world.run))

    def made(self) -> object:
        return made_run(self.world.run.parent / self.product)

    def again(self, *, whole: bool) -> str | None:
        return None if whole else super().again(whole=whole)


KINDS: dict[str, type[Run | Command]] = {
    "run": Run,
    "resumed": Resumed,
    "extended": Extended,
    "audit": Audit,
    "curate": Curate,
    "regrade": Regrade,
    "export": Export,
    "recover": Recover,
    "fork": Fork,
}
SHARES = {"run": 5, "resumed": 2, "extended": 2}
"""How often a kind is drawn, where it is not once."""


class Cuts:
    """Trials on both kinds of disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, str], Run | Command] = {}
        self._worlds: dict[str, World] = {}

    def __call__(self, rng: Random) -> str | None:
        file_system = rng.choice((LOCAL, NETWORK))
        (kind,) = rng.choices([*KINDS], [SHARES.get(kind, 1) for kind in KINDS])
        cut = self.cut(file_system, kind)
        return self.tried(cut, rng.randint(0, len(cut.history.changes)), Luck.drawn(rng))

    def tried(self, cut: Run | Command, moment: int, luck: Luck) -> str | None:
        """What falls short after a cut, with what it was."""
        told = cut(moment, luck)
        return told and f"{type(cut).__name__} on {cut.world.file_system}, cut after call {moment}: {told}"

    def cut(self, file_system: str, kind: str) -> Run | Command:
        """What is cut, made ready once."""
        if file_system not in self._worlds:
            self._worlds[file_system] = World(self._folder / file_system, file_system)
        world = self._worlds[file_system]
        world.mount()
        if (file_system, kind) not in self._made:
            self._made[file_system, kind] = KINDS[kind](world)
        return self._made[file_system, kind]


def worst(folder: Path) -> list[str]:
    """What falls short where a cut comes as soon as something was told, and all that was not synced is lost."""
    cuts, short = Cuts(folder), list[str]()
    for file_system, kind in [(LOCAL, "run"), *((NETWORK, kind) for kind in KINDS if kind != "resumed")]:
        cut = cuts.cut(file_system, kind)
        tried = (cuts.tried(cut, moment, Luck()) for moment in cut.history.tellings())
        short += [told for told in tried if told]
    return short


if __name__ == "__main__":
    print(json.dumps(worst(Path(sys.argv[1]))))  # noqa: T201 -- a script
