"""A new choice of attempts from a finished ledger: nothing is sampled, nothing that was there is changed."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sparq_core import export
from sparq_core.errors import PipelineError
from sparq_core.ledger import writing
from sparq_core.plugins import alone
from sparq_core.reading import GRADING, Reader
from sparq_core.seeding import generator


def curate(
    folder: Path, use: str, settings: Sequence[str], to: Path | None, grading: int = GRADING
) -> tuple[Path, int, int]:
    """
    Let a plugin choose again, record its choice as a new view, and write the dataset.

    `settings` are its options as `name=value`. Gives the file, the examples and the problems in it. PipelineError where the
    plugin or an option is wrong, or the file is there already.
    """
    member, choose = alone(use, settings, "curate", "curate")
    with Reader.open(folder, grading) as graded, writing(folder) as ledger:
        pipeline, last = export.pipeline_of(ledger), ledger.last_round()
        options = msgspec.to_builtins(member.config) if member.config else {}
        config = {member.name: {"with": options}, "grading": grading}
        name = msgspec.json.encode(config, order="sorted").decode()
        examples = list(choose(ledger=graded, round=last, rng=generator(pipeline.seed, last, "curate", name)))
        path = to or folder / "dataset" / f"curation-{ledger.curations() + 1}.jsonl"
        if path.exists():
            raise PipelineError(f"{path}: is there already; give another --to")
        count = export.write_jsonl(path, export.rows(graded, examples))
        ledger.add_curation(last, config, examples)
    return path, count, len({example.problem for example in examples})
