"""Routing without Ray: least work first, equal prompts together, nothing lost or answered twice whatever dies."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sparq_core as sparq
from sparq_ray.routing import BOUND, LostError, Router, Seat, Work, draw

WORKS = st.lists(st.builds(Work, key=st.integers(0, 6), size=st.integers(1, 16)), min_size=1, max_size=60)

ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def router(*seats: Seat, patience: float = 5.0) -> Router:
    made = Router("models.student", patience)
    for seat in seats:
        made.join(seat)
    return made


class Mortal:
    """Replicas that die when `dies` says so, each to be followed by its next life; an answer is its request's place."""

    def __init__(self, router: Router, dies: Any) -> None:
        self._router, self._dies = router, dies
        self.answered: list[int] = []

    def send(self, seat: Seat, places: Sequence[int]) -> Future[Any]:
        reply: Future[Any] = Future()
        reply.set_result(None if self._dies(seat) else list(places))
        return reply

    def read(self, seat: Seat, reply: Future[Any]) -> Sequence[int]:
        if reply.result() is None:
            name, life = seat
            self._router.leave(seat)
            self._router.join((name, life + 1))
            raise LostError("killed")
        self.answered += reply.result()
        return reply.result()  # type: ignore[no-any-return] # it is a list of places


@ANY_SPEED
@given(WORKS, st.integers(1, 5), st.integers())
def test_every_request_is_answered_once_and_in_order_whatever_dies(works: list[Work], n: int, seed: int) -> None:
    random, routes = Random(seed), router(*((i, 0) for i in range(n)))
    carrier = Mortal(routes, lambda _: random.random() < 0.4)
    assert draw(routes, works, carrier, losses=1000) == list(range(len(works)))
    assert sorted(carrier.answered) == list(range(len(works)))
    assert routes.load == 0


@ANY_SPEED
@given(WORKS, st.integers(1, 6))
def test_no_replica_has_much_more_than_its_share(works: list[Work], n: int) -> None:
    routes = router(*range(n))
    shares = routes.assign(works)
    assert sorted(i for share in shares.values() for i in share) == list(range(len(works)))
    mean = sum(work.size for work in works) / n
    assert all(routes.load_of(seat) <= BOUND * mean + max(work.size for work in works) for seat in range(n))


@ANY_SPEED
@given(WORKS, st.integers(2, 6))
def test_an_equal_prompt_goes_where_it_went_before(works: list[Work], n: int) -> None:
    routes = router(*range(n))
    for work in works:
        ((first, _),) = routes.assign([work]).items()
        routes.done(first, work.size)
        assert routes.assign([work]) == {first: [0]}
        routes.done(first, work.size)


def test_the_replica_with_the_least_to_do_is_asked() -> None:
    routes = router("a", "b", "c")
    shares = routes.assign([Work(i, size) for i, size in enumerate((8, 5, 2, 2))])
    assert sorted(shares.values()) == [[0], [1], [2, 3]]


def test_a_replica_that_leaves_gets_nothing_new_and_its_work_is_still_counted() -> None:
    routes = router("a")
    routes.assign([Work(0, 4)])
    routes.join("b")
    routes.leave("a")
    assert routes.assign([Work(0, 4), Work(1, 4)]) == {"b": [0, 1]}
    assert (routes.load_of("a"), routes.load) == (4, 12)
    routes.done("a", 4)
    assert (routes.load_of("a"), routes.load) == (0, 8)


def test_requests_wait_for_the_first_replica() -> None:
    routes = router()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(routes.assign, [Work(0, 1)])
        routes.join("late")
        assert waiting.result() == {"late": [0]}


def test_patience_ends_with_a_remedy() -> None:
    with pytest.raises(sparq.SparqError, match=r"models\.student: for 0 s no replica could be had.*--resume"):
        router(patience=0.01).assign([Work(0, 1)])


def test_a_failure_reaches_who_waits_and_whoever_comes() -> None:
    routes = router()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(routes.assign, [Work(0, 1)])
        routes.fail("other weights")
        routes.fail("and more")
        with pytest.raises(sparq.SparqError, match=r"^other weights$"):
            waiting.result()
    routes.join("a")
    with pytest.raises(sparq.SparqError, match=r"^other weights$"):
        routes.assign([Work(0, 1)])


def test_a_request_that_kills_whatever_draws_it_stops_the_run() -> None:
    routes = router(("a", 0), ("b", 0))
    with pytest.raises(sparq.SparqError, match="died 3 times over one request, at last: killed"):
        draw(routes, [Work(0, 1)], Mortal(routes, lambda _: True), losses=2)


class Held:
    """One replica is gone with its first request; the other answers nothing before it is asked twice."""

    def __init__(self) -> None:
        self._held: list[tuple[Future[Any], Sequence[int]]] = []

    def send(self, seat: Seat, places: Sequence[int]) -> Future[Any]:
        reply: Future[Any] = Future()
        if seat == "dying":
            reply.set_result(None)
            return reply
        self._held.append((reply, places))
        for held, its in self._held if len(self._held) == 2 else ():
            held.set_result(list(its))
        return reply

    def read(self, _: Seat, reply: Future[Any]) -> Sequence[int]:
        if reply.result() is None:
            raise LostError("gone")
        return reply.result()  # type: ignore[no-any-return] # it is a list of places


def test_what_is_lost_is_drawn_again_before_the_rest_is_there() -> None:
    assert draw(router("slow", "dying"), [Work(i, 1) for i in range(2)], Held(), losses=1) == [0, 1]
