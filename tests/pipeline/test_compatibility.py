"""A plugin of a distribution that was made for another release of the engine is refused before it is imported."""

from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

import sparq_core as sparq
from sparq_core.cli.plugins import plugins
from sparq_core.pipeline.discovery import load_class

HERE = version("sparq-engine")
LOUD = "raise RuntimeError('imported')"


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The metadata of an installed distribution whose plugin must not be imported."""
    (tmp_path / "sparq_loud.py").write_text(LOUD)
    info = tmp_path / "sparq_loud-3.1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[sparq.plugins]\nloud = sparq_loud:Loud\n")
    monkeypatch.syspath_prepend(tmp_path)
    return info / "METADATA"


def requires(stranger: Path, *needs: str) -> None:
    lines = "".join(f"Requires-Dist: {each}\n" for each in needs)
    stranger.write_text(f"Metadata-Version: 2.1\nName: sparq-loud\nVersion: 3.1\n{lines}")


@pytest.mark.parametrize("needs", ["sparq-engine>=7.2,<8", "SPARQ_engine[hf] (>=7.2,<8)", "sparq-engine<8,>=7.2"])
def test_a_mismatch_is_told_with_its_remedy(stranger: Path, needs: str) -> None:
    requires(stranger, "numpy", needs)
    with pytest.raises(sparq.PipelineError) as refused:
        load_class("loud", "plugins[3]", Path.cwd())
    assert str(refused.value) == (
        f"plugins[3]: plugin 'loud' of sparq-loud 3.1 works with sparq-engine <8,>=7.2, and this is sparq-engine {HERE}; "
        "update whichever is older: pip install --upgrade 'sparq-loud', or pip install 'sparq-engine<8,>=7.2'"
    )


@pytest.mark.parametrize(
    "needs",
    [
        ["sparq-engine"],
        [],
        [f"sparq-engine>={HERE}"],
        ["sparq-engine>=7; extra == 'dev'"],
        ["sparq-engine>=7; python_version < '3'"],
        ["sparq-engine-tools>=7"],
        ["not a requirement at all >"],
    ],
)
def test_what_fits_or_says_nothing_is_imported(stranger: Path, needs: list[str]) -> None:
    requires(stranger, *needs)
    with pytest.raises(sparq.PipelineError, match="cannot be imported: RuntimeError: imported"):
        load_class("loud", "plugins[3]", Path.cwd())


def test_the_list_of_plugins_goes_on_and_says_so(stranger: Path) -> None:
    requires(stranger, "sparq-engine>=7.2")
    told = CliRunner().invoke(plugins, env={"COLUMNS": "200"}, catch_exceptions=False).output
    assert "loud  (sparq-loud 3.1) plugins: plugin 'loud' of sparq-loud 3.1 works with sparq-engine >=7.2" in told
    assert "mutate" in told


def test_a_plugin_tells_what_it_works_with(stranger: Path) -> None:
    stranger.parent.parent.joinpath("sparq_loud.py").write_text(
        "import sparq_core as sparq\nclass Loud:\n    @sparq.hookimpl\n    def observe(self, event): ...\n"
    )
    requires(stranger, "sparq-engine>=0.1,<0.9")
    told = CliRunner().invoke(plugins, ["loud"], catch_exceptions=False).output
    assert "loud (sparq-loud 3.1)\nworks with sparq-engine <0.9,>=0.1\n" in told
