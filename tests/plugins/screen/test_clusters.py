"""Problems are told apart by a map of embeddings that stays as it was made."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparq_core as sparq
from sparq_core.testing import run_pipeline
from sparq_screen.clusters import FILE, Clusters, ClustersConfig
from sparq_screen.embeddings import Embeddings
from sparq_screen.kmeans import centroids, nearest
from sparq_tiny import MODEL

APPLES = [f"Anna has {i} apples and Ben gives her {i + 3} more. How many apples has she?" for i in range(12)]
SUMS = [f"What is {i} + {i + 5}?" for i in range(12)]


def config(texts: Path, **options: Any) -> ClustersConfig:
    return ClustersConfig(model=str(MODEL), texts=str(texts), **{"clusters": 2, **options})


def written(folder: Path, texts: Sequence[str], column: str = "problem") -> Path:
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps({column: text}) + "\n" for text in texts))
    return path


def started(config: ClustersConfig, folder: Path | None = None) -> Clusters:
    plugin = Clusters(config)
    pipeline = sparq.Pipeline(name="x", steps=1, models={}, plugins=[])
    plugin.start(sparq.Run(pipeline=pipeline, base=Path(), folder=folder, models={}))
    return plugin


def labels(plugin: Clusters, texts: Sequence[str]) -> list[str]:
    cases = [sparq.Case(sparq.Problem(id="1.1.0", statement=text), (), sparq.Counts()) for text in texts]
    return [found["cluster"] for found in plugin.describe(cases)]


def test_statements_alike_share_a_cluster(tmp_path: Path) -> None:
    plugin = started(config(written(tmp_path, APPLES + SUMS)))
    apples, sums = labels(plugin, APPLES), labels(plugin, SUMS)
    assert len(set(apples)) == len(set(sums)) == 1
    assert set(apples + sums) == {"c00", "c01"}
    assert labels(plugin, []) == []


def test_labels_are_as_wide_as_the_largest(tmp_path: Path) -> None:
    plugin = started(config(written(tmp_path, [f"{i}" for i in range(150)]), clusters=101))
    assert {len(label) for label in labels(plugin, ["0", "77"])} == {4}


def test_the_map_is_made_once_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    run.mkdir()
    options = config(written(tmp_path, APPLES + SUMS), clusters=5)
    first = labels(started(options, run), APPLES + SUMS)
    assert first == labels(started(options), APPLES + SUMS), "made anew it is the same"
    assert [file.name for file in run.iterdir()] == [FILE]
    monkeypatch.setattr(Clusters, "_made", None)
    assert labels(started(options, run), APPLES + SUMS) == first


def test_threads_and_batches_do_not_change_a_label(tmp_path: Path) -> None:
    plugin = started(config(written(tmp_path, APPLES + SUMS), clusters=5))
    together = labels(plugin, APPLES + SUMS)
    with ThreadPoolExecutor(8) as pool:
        apart = list(pool.map(lambda text: labels(plugin, [text])[0], APPLES + SUMS))
    assert together == apart


def test_texts_that_the_model_cannot_tell_apart_are_too_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Embeddings, "of", lambda self, texts: np.ones((len(texts), 4), np.float16))
    said = r"clusters\.with\.clusters: 2 clusters cannot be made of 1 different texts in .*; ask for fewer, or name a file with"
    with pytest.raises(sparq.PipelineError, match=said):
        started(config(written(tmp_path, APPLES)))


def test_check_counts_the_texts_and_names_a_row_without_one(tmp_path: Path) -> None:
    assert Clusters(config(written(tmp_path, APPLES))).check() == []
    (finding,) = Clusters(config(written(tmp_path, APPLES), clusters=13)).check()
    assert (finding.level, finding.place) == ("error", "with.clusters")
    with pytest.raises(sparq.PipelineError, match=r"texts\.jsonl, line 1: has no text in 'problem'; .*\(statement\)"):
        Clusters(config(written(tmp_path, APPLES, column="statement"))).check()


def test_seven_thousand_texts_take_seconds() -> None:
    rng = np.random.default_rng(1)
    middles = rng.normal(size=(40, 64))
    points = np.asarray(middles[rng.integers(40, size=7500)] + 0.1 * rng.normal(size=(7500, 64)), np.float64)
    began = time.monotonic()
    means = centroids(points, 40)
    assert time.monotonic() - began < 20
    assert np.array_equal(means, centroids(points, 40))
    assert len(np.unique(nearest(points, means))) == 40
    near = np.linalg.norm(means[nearest(middles, means)] - middles, axis=1)
    assert np.median(near) < 0.2, "most middles are found"


def test_duplicates_never_make_two_clusters() -> None:
    points = np.repeat(np.arange(6.0)[:, None], 50, axis=0)
    assert sorted(centroids(points, 6)[:, 0].tolist()) == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="6"):
        centroids(points, 7)


def test_niches_can_be_clusters_and_a_run_resumed(sums: Callable[..., Any], seeds: Path, tmp_path: Path) -> None:
    pipeline = sums("map-elites", steps=3)
    pipeline["plugins"][1]["with"] = {"niches": {"cluster": {}}}
    pipeline["plugins"].append({"use": "clusters", "with": {"model": str(MODEL), "texts": str(seeds), "clusters": 4}})
    run_pipeline(pipeline, tmp_path)
    ran = run_pipeline({**pipeline, "steps": 6}, tmp_path, resume=True)
    once = run_pipeline({**pipeline, "steps": 6}, tmp_path / "once")
    with ran.read() as ledger, once.read() as other:
        found = [(s.child.problem.id, s.child.descriptors["cluster"]) for s in ledger.solved()]
        assert found == [(s.child.problem.id, s.child.descriptors["cluster"]) for s in other.solved()]
    assert len({label for _, label in found}) > 1


def test_other_texts_are_another_run(sums: Callable[..., Any], seeds: Path, tmp_path: Path) -> None:
    texts = written(tmp_path, APPLES)
    pipeline = sums(steps=1)
    pipeline["plugins"].append({"use": "clusters", "with": {"model": str(MODEL), "texts": str(texts), "clusters": 4}})
    run_pipeline(pipeline, tmp_path)
    written(tmp_path, SUMS)
    with pytest.raises(sparq.PipelineError, match="clusters"):
        run_pipeline({**pipeline, "steps": 2}, tmp_path, resume=True)
