"""What can be noticed of a model's folder without loading it."""

import hashlib
import json
from functools import cache
from pathlib import Path

from sparq_core.contract.records import Finding, Model

WEIGHTS_VERSION = 2
"""How models are named by their content today; a run goes on with the way it began with."""
_FIRST = {".safetensors", ".bin", ".json", ".jinja", ".model"}
_SUFFIXES = {
    1: _FIRST,
    2: _FIRST | {".txt", ".py", ".tiktoken", ".spm", ".vocab", ".bpe", ".pt", ".pth", ".gguf", ".npz"},
}
"""The files of a model by version: the first left out vocabularies in plain text, such as merges, and code."""
_TEMPLATES = "additional_chat_templates"
"""The one folder in a model's folder that changes what it does; others hold checkpoints and the like."""


def folder_findings(model: Model) -> list[Finding]:
    """Why a local folder cannot be sampled from as a transformers model; nothing where it can, or is no folder."""
    folder = Path(model.path)
    if not folder.is_dir():
        return []
    if not (folder / "config.json").is_file():
        message = f"{folder} has no config.json, so it is not a transformers model"
        return [Finding(level="error", place="model", message=message)]
    try:
        own = _chat_template_of(folder)
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        message = f"the tokenizer in {folder} cannot be read: {error}; download the model again"
        return [Finding(level="error", place="model", message=message)]
    if model.chat_template is None and own is None:
        message = "the model has no chat template; set `chat_template: plain` for a simple one"
        return [Finding(level="error", place="chat_template", message=message)]
    return []


def _chat_template_of(folder: Path) -> str | None:
    if (file := folder / "chat_template.jinja").is_file():
        return file.read_text(encoding="utf-8")
    if (file := folder / "tokenizer_config.json").is_file():
        template = json.loads(file.read_text(encoding="utf-8")).get("chat_template")
        return template if isinstance(template, str) else None
    return None


def weights_files(folder: Path, version: int = WEIGHTS_VERSION) -> list[Path]:
    """The files of a folder that make a model: weights, configuration, tokenizer, templates, code."""
    templates = (folder / _TEMPLATES).glob("*.jinja") if version > 1 else ()
    return sorted([*(f for f in folder.iterdir() if f.suffix in _SUFFIXES[version] and f.is_file()), *templates])


def is_named(path: str, digest: str) -> bool:
    """Whether a model has this name, as this or an earlier version of the engine gives it."""
    return any(weights_digest(path, version) == digest for version in _SUFFIXES)


def weights_digest(path: str, version: int = WEIGHTS_VERSION) -> str:
    """Names a model by its content: of its files where it is a local folder, else of its name."""
    digest = hashlib.blake2b(digest_size=8)
    folder = Path(path)
    if not folder.is_dir():
        return hashlib.blake2b(path.encode(), digest_size=8).hexdigest()
    for file in weights_files(folder, version):
        digest.update(file.relative_to(folder).as_posix().encode())
        stat = file.stat()
        digest.update(_content(file, stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return digest.hexdigest()


@cache
def _content(file: Path, *_: int) -> bytes:
    """Of a file, read once for each state it is found in."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "blake2b").digest()
