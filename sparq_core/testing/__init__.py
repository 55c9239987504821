"""
Help for testing plugins and pipelines without a model.

`check_plugin` holds a plugin to the contract of its hooks, `run_pipeline` runs a pipeline. `use: scripted` and `use: simulated`
are real sampler plugins that stand for a model. Tests by pytest have the fixtures `sparq_run` and `sparq_sums`, of the package
`sparq_pytest`.

To read the code: `trials` (what plugins are played), `scripted`, `simulated`, `runs`, then `rehearsal`, `contract` and `plays`.
"""

from sparq_core.testing.around import sums
from sparq_core.testing.contract import check_plugin
from sparq_core.testing.runs import Ran, run_pipeline
from sparq_core.testing.scripted import Scripted, ScriptedConfig, ScriptedSampler
from sparq_core.testing.simulated import Known, Simulated, SimulatedConfig, SimulatedSampler
from sparq_core.testing.trials import TEXTS, problem

__all__ = [
    "TEXTS",
    "Known",
    "Ran",
    "Scripted",
    "ScriptedConfig",
    "ScriptedSampler",
    "Simulated",
    "SimulatedConfig",
    "SimulatedSampler",
    "check_plugin",
    "problem",
    "run_pipeline",
    "sums",
]
