"""The studies that are shipped fit: each of their cells is a pipeline with a cast."""

import shutil
from pathlib import Path

import pytest

from sparq_core.pipeline.file import pipeline_of, read_mapping
from sparq_core.pipeline.prepare import fitted
from sparq_core.study.design import cells_of, load_study

ROOT = Path(__file__).parents[2]
STUDIES = sorted(
    path.relative_to(ROOT)
    for folder in ("examples", "benchmarks")
    for path in (ROOT / folder / "paper").glob("*.yaml")
    if path.name != "miniature.yaml"  # their base
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's studies, with the models they start from in place of the students that `make study` makes of them."""
    folder = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copytree(
        ROOT / "benchmarks" / "paper", folder / "benchmarks" / "paper", ignore=shutil.ignore_patterns("students")
    )
    shutil.copytree(ROOT / "plugins" / "sparq_ladder" / "models", folder / "benchmarks" / "paper" / "students")
    return folder


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: f"{p.parent.parent.name}-{p.stem}")
def test_every_cell_is_a_pipeline(tree: Path, path: Path) -> None:
    path = tree / path
    study = load_study(path)
    file = path.parent / study.base
    base = read_mapping(file, "a pipeline", "")
    arms = {cell.arm.name: cell for cell in cells_of(study)}
    for cell in arms.values():
        prepared = fitted(pipeline_of(cell.settings(study, base, str(path)), str(path)), file.resolve().parent, "")
        assert prepared.run.pipeline.seed == cell.seed


def test_there_is_a_study_for_each_line_of_the_papers_table() -> None:
    page = (ROOT / "examples" / "paper" / "README.md").read_text()
    assert all(f"`{path.name}`" in page for path in STUDIES if path.parent.parent.name == "examples")
