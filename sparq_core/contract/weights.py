"""What can be noticed of a model's folder without loading it."""

import hashlib
import json
from functools import cache
from pathlib import Path

from sparq_core.contract.records import Finding, Model


def folder_findings(model: Model) -> list[Finding]:
    """Why a local folder cannot be sampled from as a transformers model; nothing where it can, or is no folder."""
    folder = Path(model.path)
    if not folder.is_dir():
        return []
    if not (folder / "config.json").is_file():
        message = f"{folder} holds no config.json, so it is no transformers model"
        return [Finding(level="error", place="model", message=message)]
    if model.chat_template is None and _chat_template_of(folder) is None:
        message = "the model has no chat template; `chat_template: plain` gives it a simple one"
        return [Finding(level="error", place="chat_template", message=message)]
    return []


def _chat_template_of(folder: Path) -> str | None:
    if (file := folder / "chat_template.jinja").is_file():
        return file.read_text(encoding="utf-8")
    if (file := folder / "tokenizer_config.json").is_file():
        template = json.loads(file.read_text(encoding="utf-8")).get("chat_template")
        return template if isinstance(template, str) else None
    return None


def weights_files(folder: Path) -> list[Path]:
    """The files of a folder that make a model: weights, configuration, tokenizer, templates."""
    return sorted(f for f in folder.iterdir() if f.suffix in {".safetensors", ".bin", ".json", ".jinja", ".model"})


def weights_digest(path: str) -> str:
    """Names a model by its content: of its files where it is a local folder, else of its name."""
    digest = hashlib.blake2b(digest_size=8)
    folder = Path(path)
    if not folder.is_dir():
        return hashlib.blake2b(path.encode(), digest_size=8).hexdigest()
    for file in weights_files(folder):
        digest.update(file.name.encode())
        stat = file.stat()
        digest.update(_content(file, stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return digest.hexdigest()


@cache
def _content(file: Path, *_: int) -> bytes:
    """Of a file, read once for each state it is found in."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "blake2b").digest()
