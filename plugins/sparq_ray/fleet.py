"""The lives of replicas: Ray places and starts each, it takes requests once it is open, and another follows when it dies."""

import queue
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError

import sparq_core as sparq
from sparq_ray.replica import Failed, Job, Opened, Replica
from sparq_ray.routing import Router

if TYPE_CHECKING:
    from concurrent.futures import Future

    from sparq_ray import RayConfig

LOOK = 1.0
"""Seconds between two looks for nodes that are announced to leave."""
CALLS = 256
"""Calls that a replica works on at once: as many as there may be steps in flight."""
GRACE = 10.0
"""Seconds that closed replicas get to free their memory by themselves."""
SILENCE = 20.0
"""Seconds that Ray's head may take to answer; after a minute Ray ends this process."""
LONGEST = 300
"""Characters of what Ray says that a run is told."""
KEPT = "what was committed is kept: mend the cause, then --resume"


class Life:
    """One actor, from its start to its death."""

    def __init__(self, number: int, actor: Any) -> None:
        self.number, self.actor = number, actor
        self.opened: Opened | None = None

    def __str__(self) -> str:
        return f"replica {self.number + 1}" + (f" on {self.opened.host}" if self.opened else "")


class Fleet:
    """Replicas of one model. One thread begins and ends all lives; whoever samples only reports a death."""

    def __init__(self, job: Job, config: "RayConfig", router: Router, log: Path | None) -> None:
        self._job, self._restarts, self._router, self._log = job, config.restarts, router, log
        self._place = f"models.{job.model.name}"
        self._kind = ray.remote(Replica).options(
            num_cpus=config.cpus_per_replica,
            num_gpus=config.gpus_per_replica,
            max_concurrency=CALLS,
            scheduling_strategy="SPREAD",
        )
        self.first: Opened | None = None
        """What the first one that opened serves; all others must serve the same."""
        self._events: queue.SimpleQueue[tuple[Life, Future[Any] | str] | None] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._deaths = Counter[int]()
        """Of each replica as it opened, in a row."""
        self.drawn, self.lost = Counter[int](), Counter[int]()
        """By the number of the replica: completions, and lives that ended before they were to."""
        self._asking = ThreadPoolExecutor(1, "sparq-ray")
        self._silent = False
        self._lives = [self._begin(number) for number in range(config.replicas)]
        self._thread = threading.Thread(target=self._watch, daemon=True, name=f"sparq-{job.model.name}")
        self._thread.start()

    def died(self, life: Life, cause: str) -> None:
        """A replica is gone, or of no more use; another takes its place."""
        self._router.leave(life)
        self._events.put((life, cause))

    def news(self) -> Iterator[str]:
        """What a user should know, once."""
        while not self._news.empty():
            yield self._news.get()

    def close(self) -> None:
        """End all replicas; their memory is free when this returns."""
        self._router.fail(f"{self._place}: the sampler is closed")
        self._events.put(None)
        self._thread.join()
        self._asking.shutdown(wait=False)
        if self._silent:
            return
        open_ = [life.actor.close.remote() for life in self._lives if life.opened]
        if open_:
            ray.wait(open_, num_returns=len(open_), timeout=GRACE)
        for life in self._lives:
            ray.kill(life.actor)

    def _begin(self, number: int) -> Life:
        life = Life(number, self._kind.remote(self._job))
        opening = life.actor.open.remote().future()
        opening.add_done_callback(lambda done: self._events.put((life, done)))
        return life

    def _watch(self) -> None:
        try:
            while True:
                try:
                    event = self._events.get(timeout=LOOK)
                except queue.Empty:
                    self._make_way()
                    continue
                if event is None:
                    return
                self._hear(*event)
        except TimeoutError:
            self._silent = True
            self._router.fail(f"{self._place}: Ray's head has not answered for {SILENCE:.0f} s; {KEPT}")
        except Exception as bug:
            self._router.fail(f"{self._place}: {bug!r}")
            raise

    def _hear(self, life: Life, event: "Future[Any] | str") -> None:
        """That a life is open, or at its end; what is heard of one that was followed already is nothing new."""
        if self._lives[life.number] is not life:
            return
        if isinstance(event, str):
            self._follow(life, f"{life} is gone: {event}; another follows, and what it had not answered is drawn again")
            return
        try:
            opened = event.result()
        except RayError as death:
            self._died_opening(life, said(death))
            return
        if wrong := self._wrong(opened):
            self._router.fail(wrong)
        else:
            self._take(life, opened)

    def _died_opening(self, life: Life, cause: str) -> None:
        self._deaths[life.number] += 1
        if self._deaths[life.number] > self._restarts:
            times = self._deaths[life.number]
            self._router.fail(f"{self._place}: {life} died {times} times in a row as it opened: {cause}; {KEPT}")
        self._follow(life, f"{life} died as it opened: {cause}")

    def _wrong(self, opened: Opened | Failed) -> str:
        """Why a replica cannot serve this model; empty where it can."""
        if isinstance(opened, Failed):
            return opened.cause
        self.first = first = self.first or opened
        digest = self._job.model.digest if self._job.local else first.digest
        if (opened.digest, opened.deterministic) == (digest, first.deterministic):
            return ""
        return (
            f"{self._place}: a replica on {opened.host} serves {_served(opened.digest, opened.deterministic)}, the run is "
            f"about {_served(digest, first.deterministic)}; all nodes must have the same models, software and kind of device"
        )

    def _take(self, life: Life, opened: Opened) -> None:
        self._deaths[life.number] = 0
        life.opened = opened
        self._tell(f"{life} is open")
        self._router.join(life)

    @property
    def by_replica(self) -> dict[str, tuple[int, int]]:
        """Completions drawn and lives lost, by replica."""
        return {f"replica {n + 1}": (self.drawn[n], self.lost[n]) for n in range(len(self._lives))}

    def _follow(self, life: Life, told: str) -> None:
        """Another life in the place of one, which Ray begins wherever there is room."""
        self.lost[life.number] += 1
        self._tell(told)
        self._news.put(f"{self._place}: {told}")
        ray.kill(life.actor)
        self._lives[life.number] = self._begin(life.number)

    def _make_way(self) -> None:
        """Replicas on nodes that are announced to leave get no new requests, and go once they have answered all others."""
        asked = self._asking.submit(ray._private.state.state.get_draining_nodes)  # noqa: SLF001 -- as Ray's trainer asks
        leaving = asked.result(SILENCE)
        for life in list(self._lives):
            if life.opened and life.opened.node in leaving:
                self._router.leave(life)
                if not self._router.load_of(life):
                    self._follow(life, f"{life} makes way, since its node is to leave; another follows elsewhere")

    def _tell(self, told: str) -> None:
        if self._log:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("a", encoding="utf-8") as log:
                log.write(f"{datetime.now(UTC):%F %T} {told}\n")


def said(error: BaseException) -> str:
    """What Ray says of a death, in a line."""
    first = str(error).partition("\n")[0]
    return sparq.shortened(f"{type(error).__name__}: {first}", LONGEST)


def _served(digest: str, deterministic: bool) -> str:
    return f"{digest} ({'' if deterministic else 'not '}deterministic)"
