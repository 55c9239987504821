"""What a run is: its pipeline, its models and the folder it writes to."""

import hashlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

from msgspec import Struct

from sparq_core.config import Pipeline
from sparq_core.errors import PipelineError
from sparq_core.records import Model

PLAIN_TEMPLATE = """\
{% for message in messages %}{{ message['role'] | capitalize }}: {% if message['role'] == 'assistant' %}\
{% generation %}{{ message['content'] }}{{ eos_token }}{% endgeneration %}{% else %}{{ message['content'] }}

{% endif %}{% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}"""
"""A chat template for models that come without one: `User: …`, a blank line, `Assistant: …`."""


class Run(Struct, frozen=True, kw_only=True):
    """One run, as plugins see it."""

    pipeline: Pipeline
    base: Path
    """The pipeline file's folder: relative paths start from it."""
    folder: Path | None
    """The run folder; None for a preview, which writes nothing."""
    models: Mapping[str, Model]
    """The models by their name under `models`, with the weights the run starts from."""

    @property
    def roles(self) -> Mapping[str, str]:
        """Which model plays which role."""
        return self.pipeline.cast_of_roles()

    def model_of(self, role: str) -> Model:
        """The model a role starts the run with."""
        return self.models[self.roles[role]]


def resolve_models(pipeline: Pipeline, base: Path) -> dict[str, Model]:
    """The pipeline's models, with local folders and installed models found; none is opened or read."""
    return {
        name: Model(
            name=name,
            path=_resolve(config.model, base),
            digest="",
            chat_template=_chat_template(config.chat_template, name, base),
        )
        for name, config in pipeline.models.items()
    }


def _resolve(model: str, base: Path) -> str:
    if (base / model).is_dir():
        return str((base / model).resolve())
    for entry in entry_points(group="sparq.models", name=model):
        return str(entry.load())
    if model.startswith((".", "/", "~")):
        raise PipelineError(f"models: there is no folder {model} (looked in {base})")
    return model


def _chat_template(template: str | None, name: str, base: Path) -> str | None:
    if template is None or template == "plain":
        return template and PLAIN_TEMPLATE
    if not (base / template).is_file():
        raise PipelineError(f"models.{name}.chat_template: there is no file {template}; `plain` is built in")
    return (base / template).read_text(encoding="utf-8")


def weights_digest(path: str) -> str:
    """Names a model by its content: of its files where it is a local folder, else of its name."""
    digest = hashlib.blake2b(digest_size=8)
    folder = Path(path)
    if not folder.is_dir():
        return hashlib.blake2b(path.encode(), digest_size=8).hexdigest()
    for file in sorted(
        f for f in folder.iterdir() if f.suffix in {".safetensors", ".bin", ".json", ".jinja", ".model"}
    ):
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "blake2b").digest())
    return digest.hexdigest()
