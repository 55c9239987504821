"""
The SPARQ engine's core: the loop, the ledger and the contracts plugins are written to.

`import sparq_core as sparq` gives a plugin everything it may use.
"""

from sparq_core.answers import last_boxed, marked_answer
from sparq_core.assess import Band, BandConfig
from sparq_core.config import FREE, InputFile, NonNegative, Pipeline, Positive, Role, Share
from sparq_core.errors import PipelineError, SparqError, nearest
from sparq_core.events import (
    Event,
    PhaseFinished,
    PhaseStarted,
    RoundStarted,
    RunEnded,
    RunStarted,
    StepCommitted,
    Tally,
    Warned,
)
from sparq_core.hookspecs import hookimpl
from sparq_core.loading import from_settings
from sparq_core.local_models import folder_findings
from sparq_core.reading import Reader, Solved
from sparq_core.records import (
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
    Problem,
    Rejection,
    Score,
    Step,
    Trial,
    Value,
    Verdict,
)
from sparq_core.run import Run, weights_digest
from sparq_core.sampling import Completion, Llm, Recorded, Request, Sampler, Sampling
from sparq_core.seeding import derive, generator
from sparq_core.templates import check_template, render
from sparq_core.texts import strings_in
from sparq_core.workers import run_worker

__all__ = [
    "FREE",
    "Assessment",
    "Attempt",
    "Band",
    "BandConfig",
    "BenchmarkText",
    "Case",
    "Child",
    "Completion",
    "Counts",
    "Draft",
    "Event",
    "Example",
    "Finding",
    "Finish",
    "InputFile",
    "Judged",
    "Llm",
    "Message",
    "Model",
    "NonNegative",
    "PhaseFinished",
    "PhaseStarted",
    "Pipeline",
    "PipelineError",
    "Positive",
    "Problem",
    "Reader",
    "Recorded",
    "Rejection",
    "Request",
    "Role",
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
    "Trial",
    "Value",
    "Verdict",
    "Warned",
    "check_template",
    "derive",
    "folder_findings",
    "from_settings",
    "generator",
    "hookimpl",
    "last_boxed",
    "marked_answer",
    "nearest",
    "render",
    "run_worker",
    "strings_in",
    "weights_digest",
]
