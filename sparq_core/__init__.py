"""
The SPARQ engine's core: the loop, the ledger and the contracts plugins are written to.

`import sparq_core as sparq` gives a plugin everything it may use. To read the code, an hour: `hookspecs`, `contract.records`,
then `rounds`, `engine`, `sources`, `step`, `attempts` and `phases` in `loop`. docs/explanation/architecture.md is the map.
"""

from sparq_core.contract.answers import last_boxed, last_code_block, marked_answer
from sparq_core.contract.config import FREE, Descriptor, InputFile, NonNegative, Pipeline, Positive, Role, Share
from sparq_core.contract.curriculum import curriculum, near_mean
from sparq_core.contract.descendants import descendants, end_descendants
from sparq_core.contract.errors import NoParents, NothingToTrainOn, PipelineError, PluginError, SparqError, nearest
from sparq_core.contract.events import (
    Event,
    PhaseFinished,
    PhaseStarted,
    RoundStarted,
    RunEnded,
    RunStarted,
    StepCommitted,
    Warned,
)
from sparq_core.contract.files import Line, json_lines, text_lines
from sparq_core.contract.hub import hub_findings
from sparq_core.contract.model_files import Tensor, folder_of, tensors_of
from sparq_core.contract.niches import Axis, Niche, Niches, labels_of
from sparq_core.contract.policy import Decide, Policy
from sparq_core.contract.privacy import keep_quiet
from sparq_core.contract.randomness import derive, generator
from sparq_core.contract.records import (
    Assessment,
    Attempt,
    BenchmarkText,
    Case,
    Child,
    Counts,
    Draft,
    Example,
    Finding,
    Finish,
    Judged,
    Message,
    Model,
    Outcome,
    Problem,
    Rejection,
    Score,
    Solved,
    Step,
    Trial,
    Value,
    Verdict,
)
from sparq_core.contract.run import Run
from sparq_core.contract.sampling import Completion, Llm, Recorded, Request, RoleModel, Sampler, Sampling
from sparq_core.contract.tally import Tally
from sparq_core.contract.templates import DUMMY_PROBLEM, check_template, named_template, render, template_names
from sparq_core.contract.texts import inert, shortened, strings_in
from sparq_core.contract.vocabulary import Vocabulary
from sparq_core.contract.weights import folder_findings, is_named, weights_digest
from sparq_core.contract.workers import run_worker, serve
from sparq_core.hookspecs import hookimpl
from sparq_core.ledger.intervals import Interval, proportion
from sparq_core.ledger.outputs import output
from sparq_core.ledger.reader import Reader
from sparq_core.pipeline.file import from_settings
from sparq_core.pipeline.inner import InnerSampler
from sparq_core.publish.pairs import Pair, matched_pairs

keep_quiet()

__all__ = [
    "DUMMY_PROBLEM",
    "FREE",
    "Assessment",
    "Attempt",
    "Axis",
    "BenchmarkText",
    "Case",
    "Child",
    "Completion",
    "Counts",
    "Decide",
    "Descriptor",
    "Draft",
    "Event",
    "Example",
    "Finding",
    "Finish",
    "InnerSampler",
    "InputFile",
    "Interval",
    "Judged",
    "Line",
    "Llm",
    "Message",
    "Model",
    "Niche",
    "Niches",
    "NoParents",
    "NonNegative",
    "NothingToTrainOn",
    "Outcome",
    "Pair",
    "PhaseFinished",
    "PhaseStarted",
    "Pipeline",
    "PipelineError",
    "PluginError",
    "Policy",
    "Positive",
    "Problem",
    "Reader",
    "Recorded",
    "Rejection",
    "Request",
    "Role",
    "RoleModel",
    "RoundStarted",
    "Run",
    "RunEnded",
    "RunStarted",
    "Sampler",
    "Sampling",
    "Score",
    "Share",
    "Solved",
    "SparqError",
    "Step",
    "StepCommitted",
    "Tally",
    "Tensor",
    "Trial",
    "Value",
    "Verdict",
    "Vocabulary",
    "Warned",
    "check_template",
    "curriculum",
    "derive",
    "descendants",
    "end_descendants",
    "folder_findings",
    "folder_of",
    "from_settings",
    "generator",
    "hookimpl",
    "hub_findings",
    "inert",
    "is_named",
    "json_lines",
    "labels_of",
    "last_boxed",
    "last_code_block",
    "marked_answer",
    "matched_pairs",
    "named_template",
    "near_mean",
    "nearest",
    "output",
    "proportion",
    "render",
    "run_worker",
    "serve",
    "shortened",
    "strings_in",
    "template_names",
    "tensors_of",
    "text_lines",
    "weights_digest",
]
