"""Four models of one recipe, from 0.3 to 2.5 million parameters, and the rules of the world they know. See README.md."""

from pathlib import Path

from sparq_ladder.rules import solve

__all__ = ["SPARQ_0_3M", "SPARQ_0_6M", "SPARQ_1_2M", "SPARQ_2_5M", "solve"]

_MODELS = Path(__file__).parent / "models"
SPARQ_0_3M = _MODELS / "sparq-0.3m"
SPARQ_0_6M = _MODELS / "sparq-0.6m"
SPARQ_1_2M = _MODELS / "sparq-1.2m"
SPARQ_2_5M = _MODELS / "sparq-2.5m"
