"""Which region of a fixed map of embeddings a problem lies in (after the persistent partition of Prism, 2603.13309)."""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta, Struct

import sparq_core as sparq

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = "clusters.npy"
"""The centroids, in the run folder."""


class ClustersConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `clusters`."""

    model: Annotated[sparq.InputFile, Meta(description="Folder of an embedding model that transformers can open.")]
    texts: Annotated[
        sparq.InputFile,
        Meta(description="JSON lines whose texts are divided into the clusters: the run's seeds, or more like them."),
    ]
    column: Annotated[str, Meta(description="Column of the texts.")] = "problem"
    clusters: Annotated[int, Meta(ge=2, le=10_000, description="Number of clusters.")] = 32
    max_tokens: Annotated[
        sparq.Positive, Meta(description="Number of tokens of a text that count, from its beginning.")
    ] = 512


class Clusters:
    """
    Describes a problem by `cluster`: `c00`, `c01`, …, whichever of the centroids its statement's embedding is nearest to.

    The centroids are those of k-means over `texts`, from a fixed seed, so that all runs with these options have the same map.
    They are made when a run starts, which takes milliseconds a text, and kept in its folder, where a resumed run finds them
    on whatever machine. Meant as an axis of niches: `niches: {cluster: {}}`.
    """

    requires: ClassVar[Mapping[str, str]] = {"torch": "sparq-engine[embed]", "transformers": "sparq-engine[embed]"}
    describes: ClassVar[Sequence[str]] = ("cluster",)

    def __init__(self, config: ClustersConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._embeddings: Any = None
        self._means: Any = None

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        different = len(set(self._texts()))
        return [] if different >= self._config.clusters else [self._too_few(different)]

    @sparq.hookimpl
    def start(self, run: sparq.Run) -> None:
        import numpy as np

        from sparq_screen.embeddings import Embeddings

        self._embeddings = Embeddings(Path(self._config.model), self._config.max_tokens, None)
        file = run.folder / FILE if run.folder else None
        if file and file.exists():
            self._means = np.load(file, allow_pickle=False)
            return
        self._means = self._made()
        if file:
            _keep(self._means, file)

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, str]]:
        from sparq_screen.kmeans import nearest

        if not cases:
            return []
        digits = max(2, len(str(self._config.clusters - 1)))
        found = nearest(self._vectors([case.problem.statement for case in cases]), self._means)
        return [{"cluster": f"c{number:0{digits}}"} for number in found]

    def _made(self) -> "NDArray[np.float64]":
        from sparq_screen.kmeans import centroids

        try:
            return centroids(self._vectors(list(self._texts())), self._config.clusters)
        except ValueError as error:
            finding = self._too_few(int(error.args[0]))
            raise sparq.PipelineError(f"clusters.{finding.place}: {finding.message}") from error

    def _vectors(self, texts: Sequence[str]) -> "NDArray[np.float64]":
        """A tokenizer serves one thread at a time."""
        import numpy as np

        with self._lock:
            return np.asarray(self._embeddings.of(texts), np.float64)

    def _texts(self) -> Iterator[str]:
        column = self._config.column
        for line in sparq.json_lines(self._config.texts):
            if not isinstance(text := line.row.get(column), str):
                raise sparq.PipelineError(
                    f"{line.place}: has no text in '{column}'; name the column of the texts ({', '.join(line.row)})"
                )
            yield text

    def _too_few(self, different: int) -> sparq.Finding:
        message = (
            f"{self._config.clusters} clusters cannot be made of {different} different texts in {self._config.texts}; "
            "ask for fewer, or name a file with more texts"
        )
        return sparq.Finding(level="error", place="with.clusters", message=message)


def _keep(means: "NDArray[np.float64]", file: Path) -> None:
    """Write the centroids, whole or not at all."""
    import numpy as np

    part = file.with_suffix(".part")
    with part.open("wb") as stream:
        np.save(stream, means, allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)
