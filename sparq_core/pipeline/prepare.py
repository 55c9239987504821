"""A pipeline made ready to run: loaded, its cast assembled and checked, nothing spent."""

from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sparq_core.contract.config import Pipeline
from sparq_core.contract.elsewhere import fetched, is_elsewhere, local
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.files import absolute, check_nameable, kind_of, read_text
from sparq_core.contract.messages import shown
from sparq_core.contract.records import Finding, Model
from sparq_core.contract.run import Run
from sparq_core.contract.templates import DUMMY_PROBLEM, check_template
from sparq_core.contract.weights import WEIGHTS_VERSION, weights_digest
from sparq_core.pipeline.assembly import load_cast
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.file import LARGEST, load_pipeline
from sparq_core.pipeline.identity import is_static

PLAIN_TEMPLATE = """\
{% for message in messages %}{{ message['role'] | capitalize }}: {% if message['role'] == 'assistant' %}\
{% generation %}{{ message['content'] }}{{ eos_token }}{% endgeneration %}{% else %}{{ message['content'] }}

{% endif %}{% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}"""
"""A chat template for models that come without one: `User: …`, a blank line, `Assistant: …`."""


def resolve_models(pipeline: Pipeline, base: Path) -> dict[str, Model]:
    """The pipeline's models, with local folders and installed models found; none is opened or read."""
    return {
        name: Model(
            name=name,
            path=model_path(config.model, base),
            digest="",
            chat_template=_chat_template(config.chat_template, name, base),
        )
        for name, config in pipeline.models.items()
    }


def model_path(model: str, base: Path) -> str:
    """Where a model of a pipeline is: its folder, or the name that its plugin understands; PipelineError where it is gone."""
    if "://" in model and is_elsewhere(model):
        return str(fetched(model, "models"))
    model = local(model)
    if kind_of(base / model) == "folder":
        return str(absolute(base / model))
    for entry in entry_points(group="sparq.models", name=model):
        return str(entry.load())
    if model.startswith((".", "/", "~")):
        raise PipelineError(f"models: there is no folder {shown(model)} (looked in {shown(base)})")
    return model


def _chat_template(template: str | None, name: str, base: Path) -> str | None:
    if template is None or template == "plain":
        return template and PLAIN_TEMPLATE
    try:
        return read_text(base / template, LARGEST, "`plain` is built in")
    except PipelineError as error:
        raise PipelineError(f"models.{name}.chat_template: {error}") from error


def check_in_flight(pipeline: Pipeline, cast: Cast) -> None:
    """PipelineError where `auto` would make a run depend on the machine it runs on."""
    if pipeline.in_flight == "auto" and not is_static(pipeline, cast):
        remedy = "leave attempts.again out" if pipeline.attempts.again else "use a static selector"
        raise PipelineError(
            "in_flight: what a step does here depends on how many are in flight, so `auto` would not be repeatable; "
            f"give a number, or {remedy}"
        )


class Prepared(Struct, frozen=True):
    """A pipeline that was loaded and whose cast fits together."""

    run: Run
    cast: Cast
    source: str
    """The pipeline file's text, as given."""


def load(path: Path, overrides: Sequence[str] = ()) -> Prepared:
    """Load a pipeline and its cast; PipelineError for whatever is wrong with them."""
    return fitted(load_pipeline(path, overrides), absolute(path).parent, read_text(path, LARGEST))


def fitted(pipeline: Pipeline, base: Path, source: str) -> Prepared:
    """
    A pipeline with its cast; PipelineError for whatever is wrong with them.

    `base` is the folder relative paths start from, `source` the text that the run folder keeps as `pipeline.yaml`.
    """
    check_nameable(base)
    check_template(pipeline.attempts.prompt, "attempts.prompt", problem=DUMMY_PROBLEM)
    check_budget(pipeline)
    cast = load_cast(pipeline, base)
    check_in_flight(pipeline, cast)
    run = Run(pipeline=pipeline, base=base, folder=None, models=resolve_models(pipeline, base))
    return Prepared(run, cast, source)


def anew(prepared: Prepared) -> Prepared:
    """The same pipeline with a cast of its own: plugins hold what a run tells them, so no two runs may share one."""
    return fitted(prepared.run.pipeline, prepared.run.base, prepared.source)


def warnings_of(prepared: Prepared) -> list[Finding]:
    """What the plugins warn of, without spending anything; PipelineError with all that they find wrong."""
    findings = prepared.cast.check(prepared.run)
    errors = [finding for finding in findings if finding.level == "error"]
    if errors:
        raise PipelineError("\n".join(f"{finding.place}: {finding.message}" for finding in errors))
    return [finding for finding in findings if finding.level == "warning"]


def with_digests(run: Run, folder: Path | None = None, version: int = WEIGHTS_VERSION) -> Run:
    """A run whose models are named by their weights, which are read for it, and which writes to `folder`."""
    models = {name: replace(model, digest=weights_digest(model.path, version)) for name, model in run.models.items()}
    return replace(run, folder=folder, models=models, weights_version=version)


def check_budget(pipeline: Pipeline) -> None:
    """PipelineError for a budget that could never be reached."""
    if pipeline.budget.cost is not None and not any(model.prices for model in pipeline.models.values()):
        raise PipelineError("budget.cost: no model has prices, so no cost is counted; set models.<name>.prices")
