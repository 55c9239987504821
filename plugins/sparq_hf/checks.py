"""What can be read of a model without loading it."""

import json
import os
from pathlib import Path


def chat_template_of(folder: Path) -> str | None:
    """The chat template a model folder brings, or None."""
    if (file := folder / "chat_template.jinja").is_file():
        return file.read_text(encoding="utf-8")
    if (file := folder / "tokenizer_config.json").is_file():
        template = json.loads(file.read_text(encoding="utf-8")).get("chat_template")
        return template if isinstance(template, str) else None
    return None


def weights_size(folder: Path) -> int:
    """Bytes of the weights on disk."""
    return sum(file.stat().st_size for pattern in ("*.safetensors", "*.bin") for file in folder.glob(pattern))


def free_memory() -> int:
    """Bytes of main memory that can be taken without swapping."""
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
