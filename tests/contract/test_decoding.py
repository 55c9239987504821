"""Types that several threads decode at once, none of which they have met before."""

import subprocess
import sys

AT_ONCE = """
import sys
import threading

from msgspec import Struct, msgpack

from sparq_core.contract.decoding import decoder

sys.setswitchinterval(1e-6)
for _ in range(300):

    class Answer(Struct):
        text: str
        numbers: list[int]
        more: dict[str, int] | None = None

    data, together = msgpack.encode([Answer("", [1])] * 3), threading.Barrier(4)

    def decode():
        together.wait()
        decoder(list[Answer]).decode(data)

    threads = [threading.Thread(target=decode) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_a_type_met_by_four_threads_at_once_is_decoded() -> None:
    """With `msgpack.Decoder` in place of `decoder` the process crashed each time it was tried."""
    subprocess.run([sys.executable, "-c", AT_ONCE], check=True)
