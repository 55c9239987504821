"""Which of several servers a request goes to, and which of them are left alone because they do not work."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Literal

from sparq_openai.limiter import Limiter

Answer = Literal["well", "pushed", "late", "failed"]
"""What a request came to: answered, too much to do, no answer in time, or none at all."""
IN_A_ROW = 3
"""Failures of a server without an answer in between, after which it is ejected: one among answers is chance."""
MOST_HOMES = 100_000
"""Prompts whose server is remembered."""


class Server:
    """
    One server, as its answers show it: `in` use, `out` of it, or on `trial`.

    One that is out gets no request. One on trial gets one at a time, and goes out at its first failure.
    """

    def __init__(self, url: str, limiter: Limiter) -> None:
        self.url, self.limiter = url, limiter
        self.state: Literal["in", "out", "trial"] = "in"
        self.failures = 0
        """In a row."""
        self.setbacks = 0
        """Ejections and failed probes since its last answer."""
        self.told = ""
        """What its last failure was, in words."""
        self.turn = 0
        """When it was last chosen."""
        self.drawn = self.lost = 0
        """Completions that it gave, and how many times it was ejected."""

    def enter(self) -> bool:
        """Take a place for a request; False where there is none."""
        may = self.state == "in" or self.free > 0
        return may and self.limiter.enter()

    @property
    def free(self) -> int:
        """Places that can be taken."""
        if self.state == "out":
            return 0
        return max(0, (1 if self.state == "trial" else int(self.limiter.limit)) - self.limiter.open)

    @property
    def failing(self) -> bool:
        """Whether it has failed too often."""
        return self.failures >= (IN_A_ROW if self.state == "in" else 1)


class Pool:
    """
    Servers of one model. Knows nothing of time, threads or HTTP: it is told what happens.

    A request goes to the server that has answered its prompt before, whose cache holds it, or else to the one with the fewest
    open requests. A server that fails several times in a row is ejected until a probe succeeds and one request is answered.
    A single server is never ejected: there is no other.
    """

    def __init__(self, urls: Sequence[str], start: int, most: int) -> None:
        self.servers = [Server(url, Limiter(start, most)) for url in urls]
        self._homes = OrderedDict[Hashable, Server]()
        self._turns = 0

    @property
    def is_dead(self) -> bool:
        """Whether no server is in use or on trial."""
        return all(server.state == "out" for server in self.servers)

    @property
    def free(self) -> int:
        """Places that can be taken."""
        return sum(server.free for server in self.servers)

    def has_other(self, server: Server) -> bool:
        """Whether another server can be asked as well."""
        return any(other.state != "out" for other in self.servers if other is not server)

    def take(self, prompt: Hashable, avoid: Server | None = None) -> Server | None:
        """A place at a server, the one to `avoid` only where no other has one; None where no server has a place now."""
        home = self._homes.get(prompt)
        order = sorted(self.servers, key=lambda s: (s is avoid, s is not home, s.limiter.open, s.turn))
        taken = next((server for server in order if server.enter()), None)
        if taken:
            self._turns += 1
            taken.turn = self._turns
            self._settle(prompt, taken if home is None or home.state == "out" else home)
        return taken

    def give_back(self, server: Server) -> None:
        """End a place that was taken."""
        server.limiter.leave()

    def answered(self, server: Server, answer: Answer, told: str = "") -> bool:
        """Learn what a request to a server came to; whether the server is ejected for it."""
        server.limiter.answered(pushed=answer in {"pushed", "late"})
        if answer == "well":
            server.state, server.failures, server.setbacks = "in", 0, 0
            return False
        server.told = told
        server.failures += answer != "pushed" or server.limiter.limit == 1
        if server.state == "out" or not server.failing or len(self.servers) == 1:
            return False
        server.state = "out"
        server.setbacks += 1
        server.lost += 1
        return True

    def probed(self, server: Server, told: str) -> None:
        """Learn what a probe of an ejected server showed; `told` says what is wrong with it, and is empty where nothing is."""
        if server.state != "out":
            return
        if told:
            server.told = told
            server.setbacks += 1
        else:
            server.state, server.failures = "trial", 0

    def _settle(self, prompt: Hashable, home: Server) -> None:
        self._homes[prompt] = home
        self._homes.move_to_end(prompt)
        if len(self._homes) > MOST_HOMES:
            self._homes.popitem(last=False)
