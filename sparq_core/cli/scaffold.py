"""What `sparq new-plugin` and `sparq new-domain` share: names, the files that they write, and that they replace none."""

import re
import shlex
from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import click
from jinja2 import Environment, StrictUndefined
from msgspec import Struct

from sparq_core.contract.errors import PipelineError
from sparq_core.contract.messages import shown
from sparq_core.contract.texts import inert
from sparq_core.pipeline.compatibility import ENGINE
from sparq_core.pipeline.discovery import installed, origin_of

TEMPLATES = files("sparq_core.cli") / "templates"
NAME, LONGEST = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*"), 28
"""Longer ones would not fit on the lines that they stand on."""
PACKAGE, SUFFIX, IGNORED = "PACKAGE", ".j2", "gitignore"
"""In the names of template files: the package's name stands for the first, the second is left out, the third gets its point."""
TO = click.option("--to", type=click.Path(path_type=Path), help="The new folder.  [default: sparq-NAME]")


class Names(Struct, frozen=True):
    """What a new distribution and the things in it are called."""

    name: str
    """Of the plugin, as a pipeline has it."""

    @classmethod
    def of(cls, name: str) -> "Names":
        """PipelineError where it is no name, or another plugin's."""
        if len(name) > LONGEST or not NAME.fullmatch(name):
            raise PipelineError(
                f"{shown(name)}: a plugin name starts with a letter and has lower-case letters, digits and single hyphens, "
                f"at most {LONGEST} characters, as in word-count"
            )
        if name in (known := installed()):
            raise PipelineError(f"{name}: {origin_of(known[name])} has a plugin of this name; choose another")
        return cls(name)

    @property
    def distribution(self) -> str:
        return f"sparq-{self.name}"

    @property
    def package(self) -> str:
        return self.distribution.replace("-", "_")

    @property
    def plugin(self) -> str:
        """Its class."""
        return "".join(part.capitalize() for part in self.name.split("-"))


def range_of_today(installed_version: str | None = None) -> str:
    """The releases of the engine that keep what a plugin of today relies on: `>=0.1,<0.2`, and `>=1.2,<2` from version 1 on."""
    major, minor = map(int, (installed_version or version(ENGINE)).split(".")[:2])
    return f">={major}.{minor},<{major + 1}" if major else f">=0.{minor},<0.{minor + 1}"


def rendered(kind: str, names: Names, **more: Any) -> dict[str, str]:
    """The files that the templates of a kind make, by their path in the new folder."""
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 -- no HTML
    told = {"names": names, "engine": range_of_today(), **more}
    made = {}
    for path, template in _texts(TEMPLATES / kind):
        text = environment.from_string(template).render(told) if path.endswith(SUFFIX) else template
        named = f".{path}" if path == IGNORED else path.removesuffix(SUFFIX)
        made[named.replace(PACKAGE, names.package)] = text
    return made


def _texts(folder: Traversable, way: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            found += _texts(item, f"{way}{item.name}/")
        else:
            found.append((way + item.name, item.read_text(encoding="utf-8")))
    return found


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files into a folder that is not there yet; PipelineError where it is."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise PipelineError(f"{shown(folder)}: already exists; choose another folder with --to") from None
    for path, text in texts.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)


def tell(folder: Path, what: str) -> None:
    """Say what was written and what to do with it."""
    there = shlex.quote(inert(str(folder)))
    click.echo(f"wrote {inert(str(folder))}: {what}; its README.md describes the files. Next:")
    click.echo(f"  cd {there}\n  pip install --editable '.[dev]'\n  pytest\n  sparq run pipeline.yaml")
