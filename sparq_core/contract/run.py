"""What a run is: its pipeline, its models and the folder it writes to."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from sparq_core.contract.config import Pipeline
from sparq_core.contract.records import Model
from sparq_core.contract.weights import WEIGHTS_VERSION


class Run(Struct, frozen=True, kw_only=True):
    """One run, as plugins see it."""

    pipeline: Pipeline
    """As resolved: what the file leaves out has its default."""
    base: Path
    """The pipeline file's folder: relative paths start from it."""
    folder: Path | None
    """The run folder; None for a preview, which writes nothing."""
    models: Mapping[str, Model]
    """The models by their name under `models`, with the weights the run starts from."""
    weights_version: int = WEIGHTS_VERSION
    """In which of the engine's ways the models' digests are made."""

    @property
    def roles(self) -> Mapping[str, str]:
        """Which model plays which role."""
        return self.pipeline.cast_of_roles()

    def model_of(self, role: str) -> Model:
        """The model a role starts the run with."""
        return self.models[self.roles[role]]

    @property
    def trained(self) -> Model:
        """The model that is trained, with its own weights: `train.model`, else the solver's."""
        return self.models[self.pipeline.trained()]
