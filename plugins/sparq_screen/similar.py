"""Near duplicates in other words: statements whose embeddings point the same way."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta, Struct

import sparq_core as sparq
from sparq_screen.compared import Field, nothing, text_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 8192
DIGITS = 3
"""Half floats are no finer."""


class SimilarConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `similar`."""

    model: Annotated[sparq.InputFile, Meta(description="Folder of an embedding model that transformers can open.")]
    threshold: Annotated[
        sparq.Share, Meta(description="Cosine similarity from which two statements count as the same.")
    ] = 0.95
    max_tokens: Annotated[
        sparq.Positive, Meta(description="Number of tokens of a statement that count, from its beginning.")
    ] = 512
    field: Field = None


class Similar:
    """
    Rejects a child whose embedding, the mean of a model's last hidden states, is similar to that of an earlier child or seed.

    Embeddings hardly see numbers: two problems that differ in one are nearly the same to most models. Each child is compared
    with every one before it, which is fit for some hundred thousand. The vectors are kept in the run folder, so that a
    resumed run meets the very same ones and need not make them again. If statements share a long preamble, name a `field`: a
    child that has no text there is rejected.
    """

    requires: ClassVar[Mapping[str, str]] = {"torch": "sparq-engine[embed]", "transformers": "sparq-engine[embed]"}

    def __init__(self, config: SimilarConfig) -> None:
        self._config = config
        self._count = 0
        self._embeddings: Any = None
        self._admitted: Any = None

    @sparq.hookimpl
    def start(self, run: sparq.Run) -> None:
        import numpy as np

        from sparq_screen.embeddings import Embeddings

        model = Path(self._config.model)
        file = run.folder / f"{model.name}-{self._config.max_tokens}.vectors" if run.folder else None
        self._embeddings = Embeddings(model, self._config.max_tokens, file)
        self._admitted = np.empty((BLOCK, self._embeddings.size), np.float16)

    @sparq.hookimpl
    def stop(self) -> None:
        self._embeddings.close()

    @sparq.hookimpl
    def admit(self, children: Sequence[sparq.Problem]) -> list[str | None]:
        texts = [text_of(child, self._config.field) for child in children]
        if self._config.field is None:
            return self._admit(texts)
        admitted = iter(self._admit([text for text in texts if text.strip()]))
        return [next(admitted) if text.strip() else nothing(self._config.field) for text in texts]

    def _admit(self, texts: Sequence[str]) -> list[str | None]:
        import numpy as np

        if not texts:
            return []
        vectors = self._embeddings.of(texts)
        batch = vectors.astype(np.float32)
        nearest, among = self._nearest(batch), batch @ batch.T
        admitted: list[int] = []
        for i, best in enumerate(nearest):
            likeness = float(among[i, admitted].max(initial=best))
            if round(likeness, DIGITS) < self._config.threshold:
                admitted.append(i)
        self._remember(vectors[admitted])
        return [None if i in admitted else "similar" for i in range(len(texts))]

    def save_state(self, file: IO[bytes]) -> None:
        """The vectors of what was admitted."""
        import numpy as np

        np.save(file, self._admitted[: self._count], allow_pickle=False)

    def load_state(self, file: IO[bytes]) -> None:
        """Remember what was written."""
        import numpy as np

        vectors = np.load(file, allow_pickle=False)
        self._admitted = np.concatenate([vectors, np.empty((BLOCK, vectors.shape[1]), vectors.dtype)])
        self._count = len(vectors)

    def _nearest(self, batch: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """Each vector's highest similarity to one admitted before."""
        import numpy as np

        nearest = np.full(len(batch), -1.0, np.float32)
        for first in range(0, self._count, BLOCK):
            block = self._admitted[first : min(self._count, first + BLOCK)].astype(np.float32)
            nearest = np.maximum(nearest, (block @ batch.T).max(axis=0))
        return nearest

    def _remember(self, vectors: "NDArray[np.float16]") -> None:
        import numpy as np

        if self._count + len(vectors) > len(self._admitted):
            self._admitted = np.concatenate([self._admitted, np.empty_like(self._admitted)])
        self._admitted[self._count : self._count + len(vectors)] = vectors
        self._count += len(vectors)
