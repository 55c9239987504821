"""Which server of several a request goes to: rules that hold whatever the servers do."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sparq_openai.pool import IN_A_ROW, Pool, Server

URLS = ("http://a/v1", "http://b/v1", "http://c/v1")


def taken(pool: Pool, prompt: int, avoid: Server | None = None) -> Server:
    server = pool.take(prompt, avoid)
    assert server is not None
    return server


def fail(pool: Pool, server: Server) -> bool:
    return pool.answered(server, "failed", "refused")


def test_the_server_with_the_fewest_open_requests_is_taken_first() -> None:
    pool = Pool(URLS, 4, 4)
    assert [taken(pool, prompt).url for prompt in range(6)] == [*URLS, *URLS]
    pool.give_back(pool.servers[1])
    assert taken(pool, 6) is pool.servers[1]


def test_attempts_at_one_problem_go_to_one_server_while_it_has_room() -> None:
    pool = Pool(URLS, 4, 4)
    home = taken(pool, 7)
    others = [taken(pool, prompt) for prompt in range(2)]
    assert home not in others
    assert [taken(pool, 7) for _ in range(3)] == [home] * 3
    assert taken(pool, 7) is not home
    pool.give_back(home)
    assert taken(pool, 7) is home


def test_a_problem_whose_server_is_gone_settles_elsewhere() -> None:
    pool = Pool(URLS, 8, 8)
    home = taken(pool, 7)
    for _ in range(IN_A_ROW):
        fail(pool, home)
    new = taken(pool, 7)
    pool.probed(home, "")
    pool.answered(home, "well")
    assert new is not home
    assert taken(pool, 7) is new


def test_a_request_that_failed_goes_elsewhere_where_it_can() -> None:
    pool = Pool(URLS[:2], 1, 1)
    first = taken(pool, 7)
    pool.give_back(first)
    other = taken(pool, 7, avoid=first)
    assert other is not first
    assert taken(pool, 7, avoid=first) is first


def test_one_failure_among_answers_ejects_nobody() -> None:
    pool = Pool(URLS, 8, 8)
    server = pool.servers[0]
    for _ in range(10):
        assert not any(fail(pool, server) for _ in range(IN_A_ROW - 1))
        pool.answered(server, "well")
    assert server.state == "in"


def test_a_crowd_ejects_nobody_before_it_is_asked_one_at_a_time() -> None:
    pool = Pool(URLS, 8, 8)
    server = pool.servers[0]
    while server.limiter.limit > 1:
        assert not pool.answered(server, "pushed")
        assert server.state == "in"
    assert any(pool.answered(server, "pushed") for _ in range(IN_A_ROW))


def test_a_server_that_answers_nothing_in_time_is_asked_less_and_ejected() -> None:
    pool = Pool(URLS, 8, 8)
    server = pool.servers[0]
    assert [pool.answered(server, "late") for _ in range(IN_A_ROW)] == [False] * (IN_A_ROW - 1) + [True]
    other = pool.servers[1]
    for _ in range(5):
        pool.answered(other, "late")
        pool.answered(other, "well")
    assert other.state == "in"
    assert other.limiter.limit < 8


def test_an_ejected_server_is_tried_by_one_request_after_a_good_probe() -> None:
    pool = Pool(URLS[:2], 8, 8)
    server = pool.servers[0]
    assert [fail(pool, server) for _ in range(IN_A_ROW)] == [False] * (IN_A_ROW - 1) + [True]
    pool.probed(server, "refused")
    assert (server.state, server.setbacks) == ("out", 2)
    pool.probed(server, "")
    assert [taken(pool, prompt) for prompt in range(4)].count(server) == 1
    assert fail(pool, server)
    assert (server.state, server.setbacks) == ("out", 3)
    pool.probed(server, "")
    pool.answered(server, "well")
    assert (server.state, server.setbacks) == ("in", 0)


def test_a_single_server_is_never_ejected() -> None:
    pool = Pool(URLS[:1], 8, 8)
    assert not any(fail(pool, pool.servers[0]) for _ in range(100))
    assert pool.take(1) is pool.servers[0]


def test_as_many_prompts_as_there_may_be_are_remembered() -> None:
    from sparq_openai import pool as module

    pool = Pool(URLS, 1, 1)
    for prompt in range(module.MOST_HOMES + 10):
        pool.give_back(taken(pool, prompt))
    assert len(pool._homes) == module.MOST_HOMES


class Servers(RuleBasedStateMachine):
    """Requests to three servers that die, are crowded and come back as they like; each request ends by its answer."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool(URLS, 2, 4)
        self.alive = dict.fromkeys(URLS, True)
        self.open: dict[int, Server] = {}
        self.waiting: list[int] = []
        self.asked = 0
        self.answered: list[int] = []

    @rule(prompt=st.integers(0, 5))
    def ask(self, prompt: int) -> None:
        self.waiting.append(self.asked * 10 + prompt)
        self.asked += 1

    @precondition(lambda self: self.waiting)
    @rule(avoid=st.none() | st.sampled_from(range(3)))
    def send(self, avoid: int | None) -> None:
        before = [server.state for server in self.pool.servers]
        request = self.waiting[0]
        server = self.pool.take(request % 10, None if avoid is None else self.pool.servers[avoid])
        if server is None:
            assert self.pool.free == 0
            return
        assert before[self.pool.servers.index(server)] != "out"
        self.open[self.waiting.pop(0)] = server

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 100), crowded=st.booleans())
    def end(self, which: int, crowded: bool) -> None:
        request = list(self.open)[which % len(self.open)]
        server = self.open.pop(request)
        if not self.alive[server.url]:
            self.pool.answered(server, "failed", "refused")
            self.waiting.append(request)
        elif crowded:
            self.pool.answered(server, "pushed", "429")
            self.waiting.append(request)
        else:
            self.pool.answered(server, "well")
            self.answered.append(request)
        self.pool.give_back(server)

    @rule(url=st.sampled_from(URLS))
    def die_or_come_back(self, url: str) -> None:
        self.alive[url] = not self.alive[url]

    @rule(which=st.integers(0, 2))
    def probe(self, which: int) -> None:
        server = self.pool.servers[which]
        self.pool.probed(server, "" if self.alive[server.url] else "refused")

    @invariant()
    def no_request_is_lost_or_counted_twice(self) -> None:
        assert sorted([*self.waiting, *self.open, *self.answered]) == sorted(
            {*self.waiting, *self.open, *self.answered}
        )
        assert len(self.waiting) + len(self.open) + len(self.answered) == self.asked

    @invariant()
    def what_is_open_is_known_and_bounded(self) -> None:
        for server in self.pool.servers:
            assert server.limiter.open == sum(other is server for other in self.open.values())
            assert server.limiter.open <= 4

    def teardown(self) -> None:
        """With servers that work, everything is answered, and none is left out."""
        self.alive = dict.fromkeys(URLS, True)
        for _ in range(20 * (len(self.waiting) + len(self.open)) + 20):
            for which in range(3):
                self.probe(which)
            if self.waiting:
                self.send(None)
            if self.open:
                self.end(0, False)
        assert len(self.answered) == self.asked
        assert all(server.state != "out" for server in self.pool.servers)


Servers.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
test_whatever_servers_do = Servers.TestCase


def test_a_dead_server_gets_only_probes() -> None:
    pool, asked = Pool(URLS, 4, 4), 0
    for turn in range(500):
        server = taken(pool, turn)
        dead = server is pool.servers[0]
        asked += dead
        pool.answered(server, "failed" if dead else "well", "refused")
        pool.give_back(server)
        pool.probed(pool.servers[0], "refused")
    assert asked == IN_A_ROW
