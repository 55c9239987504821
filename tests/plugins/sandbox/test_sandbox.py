"""What a run gives, and that it is answered, once, whatever happens around it."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sparq_sandbox import STANDARD, Limits, Outcome, Sandbox, Value, available

pytestmark = pytest.mark.skipif(not available(), reason=available().why)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(imports=(*STANDARD, "sqlite3", "time", "threading"), limits=Limits(seconds=1)) as made:
        yield made


# What it gives


VALUES: list[Value] = [
    None,
    True,
    -7,
    10**4000,
    2.5,
    -1e-300,
    3 - 2j,
    "",
    "é\n'\"\\\ud800\0",
    b"\0\xff'",
    (),
    (1,),
    [[1, (2,)], {}],
    set(),
    {1, 2},
    {"a": {"b": (None, b"c")}},
]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: repr(v)[:20])
def test_values_go_in_and_come_out(sandbox: Sandbox, value: Value) -> None:
    said = sandbox.run("def same(x, y): return x", entry="same", arguments=(value, 1))
    assert said == Outcome(value=value)
    assert type(said.value) is type(value)


def test_without_an_entry_the_value_is_what_is_printed(sandbox: Sandbox) -> None:
    assert sandbox.run("print('a', 1, sep=', ')\nprint('b', end='')").value == "a, 1\nb"
    assert sandbox.run("pass").value == ""
    assert sandbox.run("import sys; sys.stderr.write('x'); print(sys.stdin.read() == '')").value == "True\n"


def test_a_program_may_say_that_it_is_done(sandbox: Sandbox) -> None:
    assert sandbox.run("print(1)\nexit()\nprint(2)").value == "1\n"
    assert sandbox.run("import sys\nprint(1)\nsys.exit(0)").value == "1\n"
    assert sandbox.run("print(1)\nquit('no')").detail == "SystemExit: no"


def test_a_program_is_the_main_module(sandbox: Sandbox) -> None:
    program = """
from __future__ import annotations
import dataclasses, typing
@dataclasses.dataclass
class Pair:
    one: int
    other: typing.ClassVar[int] = 3
if __name__ == "__main__":
    print(Pair(2), typing.get_type_hints(Pair)["one"], Pair.__module__)
"""
    assert sandbox.run(program).value == "Pair(one=2) <class 'int'> __main__\n"


def test_only_the_modules_that_were_named_can_be_imported() -> None:
    program = "def f():\n    import bisect\n    return bisect.bisect([1, 2, 3], 2)"
    with Sandbox() as bare:
        assert bare.run(program, entry="f").detail == "ModuleNotFoundError: No module named 'bisect'"
    with Sandbox(imports=["bisect"]) as named:
        assert named.run(program, entry="f").value == 2


def test_every_standard_module_works_where_no_file_can_be_opened(sandbox: Sandbox) -> None:
    program = """
def f():
    import decimal, datetime, fractions, itertools, json, random, re, statistics, string
    return [str(decimal.Decimal(1) / 7), datetime.date(2024, 2, 29).strftime("%d"), str(fractions.Fraction(3, 6)),
        json.dumps({"a": [1.5]}), 0 <= random.random() < 1, re.sub("a+", "b", "caat"), statistics.mean([1, 2]),
        string.ascii_letters[:3], "é".upper(), "\\N{BULLET}", f"{1 / 3:.3f}"]
"""
    value: Value = [
        "0.1428571428571428571428571429",
        "29",
        "1/2",
        '{"a": [1.5]}',
        True,
        "cbt",
        1.5,
        "abc",
        "É",
        "•",
        "0.333",
    ]
    assert sandbox.run(program, entry="f") == Outcome(value=value)


def test_a_module_that_is_not_there_is_an_error_at_once() -> None:
    with pytest.raises(ImportError, match=r"imports=\['math', 'no_such'\].*No module named 'no_such'; install it"):
        Sandbox(imports=["math", "no_such"])


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("1/0", "ZeroDivisionError: division by zero"),
        ("def g(: pass", "SyntaxError: invalid syntax (<program>, line 1)"),
        ("\0", "SyntaxError: source code string cannot contain null bytes"),
        ("x = '\ud800'", "UnicodeDecodeError"),
        ("h = 1", "NameError: the program defines no 'g'"),
        ("g = 1", "TypeError: 'int' object is not callable"),
        ("def g(): input()", "EOFError"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("raise Exception('x' * 10_000)", f"Exception: {'x' * 489}"),
        ("import os; os._exit(3)", "it ended without an answer"),
    ],
)
def test_errors_are_told(sandbox: Sandbox, source: str, detail: str) -> None:
    said = sandbox.run(source, entry="g")
    assert (said.reason, said.value) == ("error", None)
    assert said.detail.replace("ValueError: source", "SyntaxError: source").startswith(detail)
    assert len(said.detail) <= 500


def test_runs_know_nothing_of_one_another(sandbox: Sandbox) -> None:
    sandbox.run("import math, builtins\nmath.pi = builtins.len = 3")
    assert sandbox.run("import math\nprint(math.pi > 3, len('ab'))").value == "True 2\n"


def test_sets_have_the_same_order_in_every_sandbox() -> None:
    program = "print({'one', 'two', 'three', 'four', 'five'})"
    with Sandbox() as one, Sandbox() as other:
        assert one.run(program) == other.run(program)


def test_sql_runs_in_memory_and_reaches_no_file(sandbox: Sandbox, tmp_path: Path) -> None:
    program = """
import sqlite3
def ask(script, query):
    base = sqlite3.connect(":memory:")
    base.executescript(script)
    return base.execute(query).fetchall()
"""
    script = "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (2, NULL)"
    said = sandbox.run(program, entry="ask", arguments=(script, "SELECT b, sum(a) FROM t GROUP BY b"))
    assert said.value == [(None, 2), ("x", 1)]
    attack = f"ATTACH '{tmp_path / 'made'}' AS other; CREATE TABLE other.t (a)"
    said = sandbox.run(program, entry="ask", arguments=(attack, "SELECT 1"))
    assert said.detail == f"OperationalError: unable to open database: {tmp_path / 'made'}"
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT count(*) FROM n"
    assert sandbox.run(program, entry="ask", arguments=("", endless)).reason == "timeout"
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("argument", [float("nan"), object(), frozenset(), [1, len], "deep"])
def test_arguments_are_literals(sandbox: Sandbox, argument: object) -> None:
    nested: list[object] = []
    for _ in range(100):
        nested = [nested]
    with pytest.raises(ValueError, match="programs are handed literals only"):
        sandbox.run("", arguments=(nested if argument == "deep" else argument,))  # type: ignore[arg-type] # no literal


@pytest.mark.parametrize(
    ("limits", "place"),
    [
        ({"seconds": 0}, "seconds"),
        ({"seconds": 5, "wall": 4}, "wall"),
        ({"memory": 1}, "memory"),
        ({"output": 0}, "output"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, int], place: str) -> None:
    with pytest.raises(ValueError, match=rf"Limits.{place} is {limits[place]}: use "):
        Limits(**limits)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"imports": "math"},
            r"Sandbox\(imports='math'\): give a list of module names, such as imports=\['math', 'json'\]",
        ),
        ({"imports": [1]}, r"Sandbox\(imports=\[1\]\): give a list of module names"),
        ({"imports": 1}, r"Sandbox\(imports=1\): give a list of module names"),
        ({"limits": {}}, r"Sandbox\(limits={}\): give limits=Limits\(...\)"),
        ({"limits": {"seconds": 1}}, r"Sandbox\(limits={'seconds': 1}\): give limits=Limits\(...\)"),
    ],
)
def test_what_a_sandbox_cannot_be_made_of_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Sandbox(**given)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"seconds": "2"}, "Limits.seconds is '2': use a number of seconds"),
        ({"wall": None}, "Limits.wall is None: use a number of seconds"),
        ({"memory": 1e9}, "Limits.memory is 1000000000.0: use a whole number of bytes"),
        ({"output": True}, "Limits.output is True: use a whole number of bytes"),
    ],
)
def test_limits_that_are_no_numbers_are_refused(limits: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Limits(**limits)


def test_arguments_are_not_taken_from_one_text(sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match=r"arguments='ab': give them in a tuple, as in arguments=\('ab',\)"):
        sandbox.run("def g(a, b): return a", entry="g", arguments="ab")


# Limits


def test_seconds_are_of_cpu_time_and_wall_is_of_all() -> None:
    with Sandbox(imports=("time",), limits=Limits(seconds=0.2, wall=1)) as short:
        assert short.run("import time; time.sleep(0.4)") == Outcome(value="")
        assert short.run("while True: pass").reason == "timeout"
        began = time.monotonic()
        assert short.run("import time; time.sleep(60)").reason == "timeout"
        assert time.monotonic() - began < 30


def test_memory_is_what_is_left_beyond_the_imports() -> None:
    with Sandbox(limits=Limits(memory=32 << 20)) as small:
        assert small.run("print(len(bytes(24 << 20)))").value == "25165824\n"
        assert small.run("bytes(40 << 20)").reason == "memory"


def test_output_is_the_answers_bytes() -> None:
    with Sandbox(limits=Limits(output=100)) as small:
        assert small.run("def g(): return 'x' * 98", entry="g").value == "x" * 98
        assert small.run("def g(): return 'x' * 99", entry="g").reason == "output"
        assert small.run("print('é' * 48, end='')").value == "é" * 48
        assert small.run("print('é' * 60)").reason == "output"
        assert small.run("try: print('x' * 101)\nexcept Exception: pass").reason == "output"


# Whose word it is


PUZZLE = "def f(x): return x * x == 1369 and x > 0"


@pytest.mark.parametrize(
    ("candidate", "solved"),
    [
        ("def g(): return 37", True),
        ("def g(): return 36", False),
        ("print('correct')\ndef g(): return True", False),
        (
            "class Equal:\n    def __eq__(self, other): return True\n    def __repr__(self): return 'True'\ng = Equal",
            False,
        ),
        ("import builtins\nbuiltins.repr = lambda x: 'True'\ndef g(): return 1", False),
        ("import os\nos.write(3, b'vTrue'); os._exit(0)", False),
        ("import os\nos.write(3, b'v37'); os._exit(0)", True),
        ("import json\njson.loads = lambda *_: ('def f(x): return True', 'f', '()')\ndef g(): return 36", False),
        ("def g(): return 36\ndef f(x): return True", False),
    ],
)
def test_a_candidate_chooses_its_answer_and_nothing_else(sandbox: Sandbox, candidate: str, *, solved: bool) -> None:
    """The check runs elsewhere, in a process that has not seen the candidate."""
    answer = sandbox.run(candidate, entry="g")
    verdict = sandbox.run(PUZZLE, entry="f", arguments=(answer.value,))
    assert (answer.reason is None and verdict.value is True) is solved


# Around it


def test_runs_from_eight_threads_are_answered_each_by_its_own(sandbox: Sandbox) -> None:
    def twice(number: int) -> Value:
        return sandbox.run("def g(n): return 2 * n", entry="g", arguments=(number,)).value

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(twice, range(200))) == [2 * number for number in range(200)]


def test_nothing_is_left_open_or_running(sandbox: Sandbox) -> None:
    made = Sandbox()
    made.run("")
    before = descriptors()
    for source in ("", "while True: print(1)", "import os; os.fork()", "1/0"):
        made.run(source)
    assert descriptors() == before
    (server,) = set(servers(os.getpid())) - set(servers_of(sandbox))
    made.close()
    assert not Path(f"/proc/{server}").exists()
    with pytest.raises(ValueError, match="the sandbox is closed: open another"):
        made.run("")


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    """Children of all of a process's threads."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def servers(pid: int) -> list[int]:
    return [c for c in descendants(pid) if b"sparq_sandbox.server" in Path(f"/proc/{c}/cmdline").read_bytes()]


def servers_of(sandbox: Sandbox) -> list[int]:
    server = sandbox._server._server
    return [server.pid] if server else []


def test_a_run_is_a_bare_process(sandbox: Sandbox) -> None:
    found: dict[str, str] = {}
    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(sandbox.run, "import threading; threading.Lock().acquire() or 1\nwhile True: pass")
        (server,) = servers_of(sandbox)
        while not (pids := children(server)):
            time.sleep(0.001)
        process = Path(f"/proc/{pids[0]}")
        while found.get("Seccomp") != "2" and not run.done():
            found = dict(
                line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line
            )
        held = sorted(path.name for path in (process / "fd").iterdir()) if os.getuid() == 0 else ["3"]
        environment = (process / "environ").read_bytes() if os.getuid() == 0 else b""
        assert run.result().reason == "timeout"
    assert found["NoNewPrivs"] == "1"
    assert found["CapEff"] == found["CapPrm"] == "0" * 16
    assert held == ["3"]
    assert b"PATH" not in environment
    assert b"HOME" not in environment


def test_all_processes_end_with_the_one_that_wanted_them() -> None:
    script = "from sparq_sandbox import *; import threading, time\nmade = Sandbox(imports=('time',))\n"
    script += "threading.Thread(target=made.run, args=('import time; time.sleep(60)',)).start()\n"
    script += "time.sleep(0.3); print(made._server._server.pid, flush=True)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        server = int(process.stdout.readline())
        family = [server, *children(server)]
        process.kill()
    assert len(family) == 2
    until_gone(family)


def until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_run_ends_with_its_server() -> None:
    with Sandbox(imports=("time",)) as made, ThreadPoolExecutor(1) as threads:
        run = threads.submit(made.run, "import time; time.sleep(0.5); print(1)")
        (server,) = servers_of(made)
        while not (runs := children(server)):
            time.sleep(0.001)
        os.kill(server, signal.SIGKILL)
        until_gone(runs)
        assert run.result().value == "1\n", "and is done again by another server"
        assert servers_of(made) != [server]


def test_interrupting_a_thread_ends_its_run() -> None:
    script = "from sparq_sandbox import *\nmade = Sandbox(imports=('time',))\n"
    script += (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background\n"
    )
    script += "print(made._server._server.pid, flush=True)\n"
    script += (
        "try: made.run('import time; time.sleep(60)')\nexcept KeyboardInterrupt: print('interrupted', flush=True)\n"
    )
    script += "input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        server = int(process.stdout.readline())
        while not (runs := children(server)):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        until_gone(runs)
        assert Path(f"/proc/{server}").exists()
        process.communicate("\n")


def answer_in_child(sandbox: Sandbox, answers: "multiprocessing.Queue[Value]") -> None:
    answers.put(sandbox.run("def g(): return 5", entry="g").value)
    sandbox.close()


def test_a_forked_process_gets_a_server_of_its_own() -> None:
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[Value] = context.Queue()
    with Sandbox() as made:
        process = context.Process(target=answer_in_child, args=(made, answers))
        process.start()
        assert answers.get(timeout=30) == 5
        process.join()
        assert process.exitcode == 0
        assert made.run("def g(): return 6", entry="g").value == 6


def test_a_hung_server_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparq_sandbox.forking.GRACE", 1)
    with Sandbox(limits=Limits(seconds=0.2, wall=0.3)) as made:
        (server,) = servers_of(made)
        os.kill(server, signal.SIGSTOP)
        assert made.run("print(1)").value == "1\n"
        assert servers_of(made) != [server]


def kill(pids: list[int]) -> int:
    """Kill the first of these that is still there; how many were."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return 1
    return 0


@pytest.mark.timeout(300)
def test_killed_at_random_every_run_is_answered_once() -> None:
    """Kills keep pace with runs, so that a busy machine sees as many of a run's processes die as a fast one."""
    made, killed = Sandbox(), Counter[str]()

    def twice(number: int) -> tuple[int, Outcome]:
        (server,) = servers_of(made) or [0]
        if number % 50 == 49:
            killed["servers"] += kill([server] if server else [])
        elif number % 7 == 3:
            killed["runs"] += kill(children(server))
        return number, made.run("def g(n): return 2 * n", entry="g", arguments=(number,))

    with made, ThreadPoolExecutor(8) as pool:
        said = list(pool.map(twice, range(400)))
    assert [number for number, _ in said] == list(range(400))
    assert {o.reason for _, o in said} <= {None, "killed"}
    assert all(o.value == 2 * n for n, o in said if o.reason is None)
    assert sum(o.reason is None for _, o in said) > 300
    assert min(killed["servers"], killed["runs"]) > 2, killed
