"""
vLLM's processes killed ten times in a run: `python benchmarks/vllm_kills.py`.

Runs the quickstart's generation with vLLM, undisturbed and then with kill −9 for any of the engine's processes, ten times while
it works. The two runs must have the same digest and byte-identical exports. Takes ten minutes.
"""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "vllm_kills.json"
QUICKSTART = HERE.parent / "examples" / "quickstart.yaml"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "kills.json"
        os.environ["KILLS_LOG"] = str(log)
        quiet = run("vllm", Path(folder) / "quiet")
        killed = run(f"{HERE / 'harassed.py'}:Harassed", Path(folder) / "killed")
        report = {"quiet": quiet, "killed": killed, "kills": json.loads(log.read_text())}
    same = quiet["digest"] == killed["digest"] and quiet["export"] == killed["export"]
    RESULTS.write_text(json.dumps({"same": same, **report}, indent=1) + "\n")
    print(f"{len(report['kills'])} kills; same digest and export: {same}; {quiet['seconds']} s, {killed['seconds']} s")
    assert same


def run(use: str, folder: Path) -> dict[str, Any]:
    """One run of the quickstart without training; its digest, the digest of its export, and what it took."""
    from sparq_core.ledger import dataset
    from sparq_core.ledger.reader import Reader
    from sparq_core.loop import session
    from sparq_core.pipeline import prepare

    pipeline = yaml.safe_load(QUICKSTART.read_text())
    pipeline["models"] = {"student": {"use": use, "model": "sparq-tiny", "with": {"restarts": 20}}}
    pipeline["plugins"] = [entry for entry in pipeline["plugins"] if entry["use"] not in {"sft", "lm-eval"}]
    pipeline["plugins"][0]["with"]["path"] = str(QUICKSTART.parent / "quickstart" / "seeds.jsonl")
    folder.mkdir()
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
    began = time.monotonic()
    ending = session.execute(prepare.load(folder / "pipeline.yaml"), folder / "run", False, [], lambda: False)
    with Reader.open(folder / "run") as ledger:
        rows = "\n".join(json.dumps(row) for row in dataset.rows(ledger, dataset.chosen(ledger)))
        digest = ledger.last_digest()
    return {
        "seconds": round(time.monotonic() - began),
        "attempts": ending.tally.attempts,
        "digest": digest,
        "export": f"{hash_of(rows)} ({len(rows):,} bytes)",
    }


def hash_of(text: str) -> str:
    import hashlib

    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


if __name__ == "__main__":
    main()
