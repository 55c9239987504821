"""`sparq quickstart` before there is a run: what it writes, and what it leaves alone."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from sparq_core.cli import quickstart as module
from sparq_core.cli.quickstart import quickstart
from sparq_core.contract.errors import PipelineError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What `sparq run` is asked for, in place of a run."""
    found: list[dict[str, object]] = []
    monkeypatch.setattr(module, "run", lambda **given: found.append(given))
    return found


def invoke(*arguments: str) -> None:
    CliRunner().invoke(quickstart, arguments, catch_exceptions=False)


def test_the_files_are_those_of_the_examples(asked: list[dict[str, object]], tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "new"
    invoke("--to", str(folder), "--set", "steps=3")
    (given,) = asked
    assert given == {
        "pipeline": folder / "quickstart.yaml",
        "overrides": ("steps=3",),
        "out": folder / "run",
        "resume": True,
        "accept_changes": None,  # an option that the quickstart lacks, so that no error suggests it
    }
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len(written) == 6
    for path in written:
        assert path.read_bytes() == (ROOT / "examples" / path.relative_to(folder)).read_bytes()
        assert not path.is_symlink()
    assert sorted(folder.parent.iterdir()) == [folder]


def test_it_goes_on_in_its_own_folder_and_touches_no_other(asked: list[dict[str, object]], tmp_path: Path) -> None:
    folder = tmp_path / "new"
    invoke("--to", str(folder))
    (folder / "run").mkdir()
    invoke("--to", str(folder))
    assert len(asked) == 2
    (folder / "quickstart.yaml").write_text("name: mine\n")
    with pytest.raises(PipelineError, match="choose another folder with --to"):
        invoke("--to", str(folder))
    assert (folder / "quickstart.yaml").read_text() == "name: mine\n"


def test_what_a_killed_one_left_half_written_is_written_anew(asked: list[dict[str, object]], tmp_path: Path) -> None:
    (tmp_path / "new.partial").mkdir()
    (tmp_path / "new.partial" / "quickstart.yaml").write_text("half")
    invoke("--to", str(tmp_path / "new"))
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new" / "quickstart" / "seeds.jsonl").is_file()


def test_mistakes_and_missing_packages_are_told_before_anything_is_written(
    asked: list[dict[str, object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PipelineError, match=r"band\.correct"):
        invoke("--to", str(tmp_path / "new"), "--set", "attempts.k=4")
    monkeypatch.setattr(module, "find_spec", lambda name: None if name in {"lm_eval", "trl"} else name)
    with pytest.raises(PipelineError, match=r"\(lm_eval, trl\): pip install 'sparq-engine\[quickstart\]'"):
        invoke("--to", str(tmp_path / "new"))
    assert not list(tmp_path.iterdir())
    assert not asked
