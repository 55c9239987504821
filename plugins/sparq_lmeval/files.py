"""Task files, looked into as text: an index of all that lm-eval has takes seconds."""

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

_NAME = re.compile(r"^[\"']?(?:task|group|tag)[\"']?:[ \t]*[\"']?([\w.-]+)", re.MULTILINE)


def folders_of(include: str | None) -> list[Path]:
    """Where task files are: the user's own, which come first, and lm-eval's."""
    spec = find_spec("lm_eval")
    stock = [Path(spec.origin).parent / "tasks"] if spec and spec.origin else []
    return [Path(include), *stock] if include else stock


def homes(names: Collection[str], include: str | None) -> dict[str, Path]:
    """The folders of the files that define tasks, by name; groups and tags have none."""
    named = re.compile(rf"^task:[ \t]*[\"']?({'|'.join(map(re.escape, names))})[\"']?[ \t]*$", re.MULTILINE)
    found: dict[str, Path] = {}
    for folder in folders_of(include):
        for file, text in _texts(folder) if len(found) < len(names) else ():
            for name in named.findall(text):
                found.setdefault(name, file.parent)
    return found


def unheard_of(names: Collection[str], include: str | None) -> list[str]:
    """The names that stand in no task file."""
    left = list(names)
    for folder in folders_of(include):
        for _, text in _texts(folder) if left else ():
            left = [name for name in left if name not in text]
    return left


def unknown(name: str, include: str | None) -> str:
    """What to say of a name that is no task's, with those that are near."""
    known = {found for folder in folders_of(include) for _, text in _texts(folder) for found in _NAME.findall(text)}
    near = get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "name your own folder with `include`"
    return f"'{name}' is not a stock task of lm-eval" + (f", nor in {include}" if include else "") + f"; {hint}"


def _texts(folder: Path) -> Iterator[tuple[Path, str]]:
    for file in sorted(folder.rglob("*.yaml")):
        yield file, file.read_text(encoding="utf-8", errors="replace")
