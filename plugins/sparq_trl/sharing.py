"""How a batch is shared by processes, so that an optimizer step has as many examples on any number of them."""

import shutil
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import sparq_core as sparq
from sparq_trl.gpus import Gpu
from sparq_trl.options import NodesConfig


class Asked(NamedTuple):
    """What the options come to on these machines."""

    batch: int
    """Examples an optimizer step."""
    given: int | None
    """Examples a forward pass, if that is given."""
    each: int
    """Processes of a machine."""
    nodes: int = 1

    @property
    def processes(self) -> int:
        """Of all machines."""
        return self.each * self.nodes

    @property
    def micro(self) -> int:
        """Examples a forward pass of one process."""
        return self.given or max(1, self.batch // self.processes)

    @property
    def accumulation(self) -> int:
        """Forward passes of each process in an optimizer step."""
        return self.batch // (self.micro * self.processes)


def findings(asked: Asked, gpus: Sequence[Gpu], example: str = "examples") -> Iterator[sparq.Finding]:
    """Why a batch cannot be shared like this; nothing where it can."""
    if gpus and asked.each > len(gpus):
        message = f"{asked.each} processes need as many GPUs, and {len(gpus)} are visible; set {len(gpus)} or fewer"
        yield sparq.Finding(level="error", place="with.processes", message=message)
    if asked.batch % (asked.micro * asked.processes):
        yield sparq.Finding(level="error", place="with.batch_size", message=_uneven(asked, example))


def launchable(nodes: NodesConfig | None) -> Iterator[sparq.Finding]:
    """A warning where the launcher of several machines is not on this one, where the run may yet be checked only."""
    if nodes and shutil.which(nodes.launcher[0]) is None:
        message = f"there is no command '{nodes.launcher[0]}' on this machine, without which training fails"
        yield sparq.Finding(level="warning", place="with.nodes.launcher", message=message)


def _uneven(asked: Asked, example: str) -> str:
    each = asked.given or 1
    at_once = each * asked.processes
    below, above = asked.batch // at_once * at_once, -(-asked.batch // at_once) * at_once
    counts = [count for count in range(1, asked.processes + 1) if asked.batch % (each * count) == 0]
    fitting = [f"batch_size {' or '.join(str(size) for size in (below, above) if size)}"]
    fitting += [f"processes {', '.join(map(str, counts))}"] if counts else []
    if asked.given and asked.batch % asked.processes == 0:
        share = asked.batch // asked.processes
        sizes = [size for size in range(1, asked.given) if share % size == 0]
        fitting.append(f"micro_batch_size {', '.join(map(str, sizes))}")
    shared = f"{asked.processes} processes with " if asked.processes > 1 else ""
    return (
        f"{asked.batch} {example} an optimizer step are no multiple of {shared}{each} a forward pass "
        f"({at_once} at once); what fits: {'; '.join(fitting)}"
    )
