"""What can be read of a model without loading it."""

import json
import os
from pathlib import Path


def weights_size(folder: Path) -> int:
    """Bytes of the weights on disk."""
    return sum(file.stat().st_size for pattern in ("*.safetensors", "*.bin") for file in folder.glob(pattern))


def is_whole(model: str) -> bool:
    """Whether all weights of a model are on this machine, in its folder or in the cache, so that no hub need be asked."""
    if Path(model).is_dir():
        return True
    index = _cached(model, "model.safetensors.index.json")
    parts = (
        set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()) if index else {"model.safetensors"}
    )
    return all(_cached(model, part) for part in parts)


def _cached(model: str, file: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model, file)
    return Path(found) if isinstance(found, str) else None


def free_memory() -> int:
    """Bytes of main memory that can be taken without swapping."""
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
