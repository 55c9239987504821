"""
A process that compares answers with math-verify: hostile text is parsed here, never in the engine's process.

Reads one JSON line a pair from its standard input; answers on a pipe of its own, so that nothing printed can forge a verdict.
"""

import json
import os
import resource
import sys
from collections.abc import Callable
from typing import Any

ADDRESS_SPACE = 2 << 30


def main(channel: int) -> None:
    """Answer pairs until the input ends."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    from math_verify import parse, verify

    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with os.fdopen(channel, "w", encoding="utf-8") as replies:
        replies.write("ready\n")
        replies.flush()
        for line in sys.stdin:
            gold, answer = json.loads(line)
            replies.write(json.dumps(_compare(parse, verify, gold, answer)) + "\n")
            replies.flush()


def _compare(parse: Callable[..., Any], verify: Callable[..., bool], gold: str, answer: str) -> str:
    try:
        golds = parse(f"${gold}$", parsing_timeout=None)
        answers = parse(f"${answer}$", parsing_timeout=None)
        if not golds or not answers:
            return "unparsed"
        return "equal" if verify(golds, answers, timeout_seconds=None) else "different"
    except MemoryError:
        return "memory"
    except Exception:  # noqa: BLE001 -- whatever the text did to the parser, it is no verdict
        return "error"


if __name__ == "__main__":
    main(int(sys.argv[1]))
