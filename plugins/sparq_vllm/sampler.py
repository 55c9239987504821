"""The sampler over vLLM engines in processes of their own."""

from collections.abc import Sequence
from itertools import chain, count, islice

from msgspec.structs import replace

import sparq_core as sparq
from sparq_vllm.messages import Ask
from sparq_vllm.process import Launch
from sparq_vllm.replica import Care, Completions, Pending, Replica


class VllmSampler:
    """One model on one or more engines; calls from several threads share their continuous batching."""

    def __init__(self, model: sparq.Model, launches: Sequence[Launch], care: Care) -> None:
        self.digest = model.digest
        self._ids = count()
        self.replicas: list[Replica] = []
        try:
            for launch in launches:
                self.replicas.append(Replica(launch, care))
                self._check_weights(model, self.replicas[-1])
        except BaseException:
            self.close()
            raise
        self.slots = sum(replica.ready.slots for replica in self.replicas)
        self.deterministic = all(replica.ready.device == "cpu" for replica in self.replicas)

    @property
    def load(self) -> int:
        """Sequences that are not answered yet."""
        return sum(replica.load for replica in self.replicas)

    @property
    def by_replica(self) -> dict[str, tuple[int, int]]:
        """Completions drawn and engines lost, by replica."""
        return {f"replica {i}": (replica.drawn, replica.lost) for i, replica in enumerate(self.replicas, 1)}

    def sample(self, requests: Sequence[sparq.Request]) -> list[Completions]:
        """Completions of all requests, each sent to the engine that has the least to do."""
        parts = [_parts(request) for request in requests]
        pendings = [
            Pending(Ask(id=next(self._ids), messages=r.messages, seed=r.seed, n=r.n, sampling=_bare(r.sampling)))
            for r in chain(*parts)
        ]
        loads = [replica.load for replica in self.replicas]
        shares: list[list[Pending]] = [[] for _ in self.replicas]
        for pending in pendings:
            least = loads.index(min(loads))
            shares[least].append(pending)
            loads[least] += pending.ask.n
        for replica, share in zip(self.replicas, shares, strict=True):
            replica.submit(share)
        answers = map(_completions, pendings)
        return [_joined(list(islice(answers, len(each)))) for each in parts]

    def close(self) -> None:
        """End all engines."""
        for replica in self.replicas:
            replica.close()

    @staticmethod
    def _check_weights(model: sparq.Model, replica: Replica) -> None:
        if model.digest and replica.ready.digest != model.digest:
            raise sparq.SparqError(
                f"models.{model.name}: vLLM serves other weights (digest {replica.ready.digest}) than the run is about "
                f"(digest {model.digest}): {model.path} has changed"
            )


def _bare(sampling: sparq.Sampling) -> sparq.Sampling:
    """Only what a sampler needs to know: plugins extend `Sampling` with options of their own."""
    return sparq.Sampling(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        stop=sampling.stop,
        dropout=sampling.dropout,
    )


def _parts(request: sparq.Request) -> list[sparq.Request]:
    """One request a sample where each goes without tokens of its own: vLLM knows but one set for all of a request."""
    if not request.sampling.dropout:
        return [request]
    return [replace(request, seed=request.seed + j, n=1) for j in range(request.n)]


def _joined(parts: Sequence[Completions]) -> Completions:
    """The completions of one request, of whose prompt the first alone has the tokens."""
    first, *others = chain(*parts)
    return [first, *(replace(other, prompt_tokens=0) for other in others)]


def _completions(pending: Pending) -> Completions:
    """All that were asked for; where they are all the same, the engine made one."""
    completions = pending.answer.result()
    again = [replace(completions[0], prompt_tokens=0)] * (pending.ask.n - len(completions))
    return [*completions, *again]
