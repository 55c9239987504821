"""The studies that are shipped fit: each of their cells is a pipeline with a cast."""

from pathlib import Path

import pytest

from sparq_core.pipeline.file import pipeline_of, read_mapping
from sparq_core.pipeline.prepare import fitted
from sparq_core.study.design import cells_of, load_study

ROOT = Path(__file__).parents[2]
STUDIES = sorted([*(ROOT / "examples" / "paper").glob("*.yaml"), *(ROOT / "benchmarks" / "paper").glob("*.yaml")])


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: f"{p.parent.parent.name}-{p.stem}")
def test_every_cell_is_a_pipeline(path: Path) -> None:
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
