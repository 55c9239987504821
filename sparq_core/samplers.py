"""Which weights play which role, and the samplers that serve them."""

import threading
from collections.abc import Mapping

from sparq_core.plugins import Cast
from sparq_core.records import Model
from sparq_core.sampling import Sampler


class Samplers:
    """Opens a sampler when a role is first asked for, one for each distinct weights; all are closed together."""

    def __init__(self, cast: Cast, roles: Mapping[str, Model]) -> None:
        self._open = {member.name: call for member, call in cast.each("sampler")}
        self._roles = roles
        self._samplers: dict[tuple[str, str], Sampler] = {}
        self._lock = threading.Lock()

    def serve(self, role: str) -> Sampler:
        """The sampler of a role; KeyError for a role without a model."""
        model = self._roles[role]
        with self._lock:
            key = (model.name, model.path)
            if key not in self._samplers:
                self._samplers[key] = self._open[f"models.{model.name}"](model=model)
            return self._samplers[key]

    def close(self) -> None:
        """Free all models; they open again when asked for."""
        with self._lock:
            for sampler in self._samplers.values():
                sampler.close()
            self._samplers.clear()
