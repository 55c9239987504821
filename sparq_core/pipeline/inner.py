"""A sampler plugin that another sampler plugin opens: one that spreads requests over replicas, or keeps what was answered."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sparq_core import hookspecs
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.records import Finding, Model
from sparq_core.contract.run import Run
from sparq_core.contract.sampling import Sampler
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.discovery import Member, build, installed, load_class


class InnerSampler:
    """
    A sampler plugin that a sampler plugin of yours opens, in this process or another.

    `use` and `options` are what the options `sampler` and `options` of your plugin hold, in the form that `use` and `with` have
    in a pipeline; `model` is what your plugin is asked for. PipelineError where no plugin has this name, it is no sampler, or
    its options are wrong.
    """

    def __init__(self, use: str, options: Mapping[str, Any], model: Model, run: Run) -> None:
        place = f"models.{model.name}"
        member = build(use, options, f"{place}.with.sampler", run.base, given_by=f"{place}.with.options")
        if not member.answers(hookspecs.sampler):
            raise PipelineError(f"{place}.with.sampler: plugin '{use}' is no sampler; e.g. hf is one")
        self._cast = Cast([replace(member, name=place, place=place)])
        self._model, self._run = model, replace(run, models={model.name: model})

    @staticmethod
    def heeds_dropout(use: str) -> bool:
        """Whether a sampler plugin heeds the `dropout` of `Sampling`; what is not installed is true until it is opened."""
        if use not in installed():
            return True
        plugin, _ = load_class(use, "with.sampler", Path())
        return bool(getattr(plugin, "dropout", False))

    def check(self) -> list[Finding]:
        """What it finds wrong, as your own findings: their places are in your options."""
        place = f"models.{self._model.name}."
        return [replace(f, place=_moved(f.place.removeprefix(place))) for f in self._cast.check(self._run)]

    @contextmanager
    def opened(self, warn: Callable[[str], None]) -> Iterator[Sampler]:
        """The sampler, its plugin started; afterwards it is closed and its plugin stopped. `warn` is told what it warns of."""
        begun = list[Member]()
        try:
            self._cast.start(self._run, warn, begun)
            with closing(self._cast.sampler(self._model)) as sampler:
                yield sampler
        finally:
            self._cast.stop(self._run, begun, warn)


def _moved(place: str) -> str:
    """From the options of a model's own sampler to those of one inside it."""
    first, dot, rest = place.partition(".")
    return {"use": "with.sampler", "with": f"with.options{dot}{rest}"}.get(first, place)
