"""Which replica draws what: the one with the least work, equal prompts at one, and what a replica loses at another."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Hashable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

import sparq_core as sparq

BOUND = 1.25
"""A prompt goes where it went before unless that replica has more than so many times the mean work."""
REMEMBERED = 1 << 16
"""Prompts whose replica is remembered."""

Seat = Any
"""Hashable; stands for one life of one replica: what comes after it dies is another."""
Answer_co = TypeVar("Answer_co", covariant=True)


class Work(NamedTuple):
    """One request, as far as its place is concerned."""

    key: Hashable
    """Equal for requests that are served faster by one replica, which has their prompt in its cache."""
    size: int
    """Completions to draw."""


class LostError(Exception):
    """A replica is gone with what it was asked; says why."""


class Router:
    """The replicas that take requests, and what each has not answered yet. Thread-safe."""

    def __init__(self, place: str, patience: float) -> None:
        self._place, self._patience = place, patience
        self._taking: dict[Seat, None] = {}
        self._loads: Counter[Seat] = Counter()
        self._homes: OrderedDict[Hashable, Seat] = OrderedDict()
        self._failure = ""
        self._changed = threading.Condition()

    @property
    def load(self) -> int:
        """Completions that are asked for and not there yet."""
        with self._changed:
            return self._loads.total()

    @property
    def taking(self) -> int:
        """How many replicas take requests."""
        with self._changed:
            return len(self._taking)

    def load_of(self, seat: Seat) -> int:
        """Those that one replica is to draw."""
        with self._changed:
            return self._loads[seat]

    def join(self, seat: Seat) -> None:
        """A replica takes requests from now on."""
        with self._changed:
            self._taking[seat] = None
            self._changed.notify_all()

    def leave(self, seat: Seat) -> None:
        """A replica takes no new requests; what it has it may still answer."""
        with self._changed:
            self._taking.pop(seat, None)

    def fail(self, failure: str) -> None:
        """Nothing is assigned any more; the first failure is what a run is told."""
        with self._changed:
            self._failure = self._failure or failure
            self._changed.notify_all()

    def wait(self) -> None:
        """Until a replica takes requests; SparqError where it fails before, or patience is at an end."""
        with self._changed:
            self._wait()

    def assign(self, works: Sequence[Work]) -> dict[Seat, list[int]]:
        """The places of all requests in the sequence, by replica; waits while there is none, as `wait` does."""
        shares: dict[Seat, list[int]] = {}
        with self._changed:
            self._wait()
            for i, work in enumerate(works):
                shares.setdefault(self._seat(work), []).append(i)
        return shares

    def done(self, seat: Seat, size: int, _: object = None) -> None:
        """A replica has answered, or lost, so many completions; may be called by a future as it is done."""
        with self._changed:
            self._loads[seat] -= size
            if not self._loads[seat]:
                del self._loads[seat]

    def _wait(self) -> None:
        there = self._changed.wait_for(lambda: self._taking or self._failure, self._patience)
        if self._failure:
            raise sparq.SparqError(self._failure)
        if not there:
            raise sparq.SparqError(
                f"{self._place}: for {self._patience:.0f} s no replica could be had; does the cluster offer what one asks for "
                "(`sparq check`)? What was committed is kept: --resume goes on"
            )

    def _seat(self, work: Work) -> Seat:
        home = self._homes.get(work.key)
        mean = sum(self._loads[seat] for seat in self._taking) / len(self._taking)
        if home not in self._taking or self._loads[home] > BOUND * mean:
            home = min(self._taking, key=self._loads.__getitem__)
        self._homes[work.key] = home
        self._homes.move_to_end(work.key)
        if len(self._homes) > REMEMBERED:
            self._homes.popitem(last=False)
        self._loads[home] += work.size
        return home


class Carrier(Protocol[Answer_co]):
    """How requests, by their places in the sequence, reach a replica and answers come back."""

    def send(self, seat: Seat, places: Sequence[int]) -> "Future[Any]":
        """Ask; never waits."""

    def read(self, seat: Seat, reply: "Future[Any]") -> Sequence[Answer_co]:
        """The answers in a reply that is there; LostError where the replica is gone, and whoever starts replicas knows."""


def draw(router: Router, works: Sequence[Work], carrier: Carrier[Answer_co], losses: int) -> list[Answer_co]:
    """
    The answers to all requests, in order, whichever replica gave them.

    What a replica takes with it is asked again elsewhere at once; SparqError where one request lost more than `losses`.
    """
    answers: dict[int, Answer_co] = {}
    lost: Counter[int] = Counter()
    open_: dict[Future[Any], tuple[Seat, list[int]]] = {}
    places = list(range(len(works)))
    while places or open_:
        for seat, at in router.assign([works[i] for i in places]).items() if places else ():
            share = [places[i] for i in at]
            reply = carrier.send(seat, share)
            open_[reply] = seat, share
            size = sum(works[i].size for i in share)
            reply.add_done_callback(partial(router.done, seat, size))
        places = []
        for reply in wait(open_, return_when=FIRST_COMPLETED).done:
            seat, share = open_.pop(reply)
            try:
                answers.update(zip(share, carrier.read(seat, reply), strict=True))
            except LostError as loss:
                router.leave(seat)
                lost.update(share)
                if max(lost.values()) > losses:
                    raise sparq.SparqError(
                        f"replicas died {losses + 1} times over one request, at last: {loss}"
                    ) from loss
                places += share
    return [answers[i] for i in range(len(works))]
