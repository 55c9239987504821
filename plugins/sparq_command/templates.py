"""The templates of a pipeline's options: arguments, variables and files, what they may use, and what becomes of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import sparq_core as sparq

if TYPE_CHECKING:
    from sparq_command import CommandConfig

Names = Mapping[str, str | int]
"""What templates may use, each with its value."""


class Template(NamedTuple):
    """One text that names stand in."""

    place: str
    """The option it is in."""
    text: str

    def fill(self, names: Names) -> str:
        """With the names filled in; PipelineError where it cannot be."""
        return sparq.render(self.text, self.place, **names)


class Order(NamedTuple):
    """All that a trainer is given, in templates."""

    run: list[Template]
    merge: list[Template]
    env: dict[str, Template]
    files: dict[str, Template]
    """By their paths in the folder that they are filled into."""

    @classmethod
    def of(cls, config: "CommandConfig") -> "Order":
        """What these options say; PipelineError for a file that is no text."""
        return cls(
            run=[Template(f"with.run[{i}]", text) for i, text in enumerate(config.run)],
            merge=[Template(f"with.merge[{i}]", text) for i, text in enumerate(config.merge or ())],
            env={name: Template(f"with.env.{name}", text) for name, text in config.env.items()},
            files=dict(_files(Path(config.config))) if config.config else {},
        )

    def templates(self) -> list[Template]:
        """All of them."""
        return [*self.run, *self.merge, *self.env.values(), *self.files.values()]

    def write(self, folder: Path, names: Names) -> None:
        """Fill the files in."""
        for path, template in self.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(template.fill(names) + "\n", encoding="utf-8")

    def commands(self, names: Names) -> list[list[str]]:
        """The programs with their arguments: the trainer, and what merges, if anything does."""
        return [[argument.fill(names) for argument in command] for command in (self.run, self.merge) if command]

    def variables(self, names: Names) -> dict[str, str]:
        """The variables that the environment has besides."""
        return {name: value.fill(names) for name, value in self.env.items()}


def _files(given: Path) -> Iterator[tuple[str, Template]]:
    folder = given if given.is_dir() else given.parent
    for file in sorted(given.rglob("*")) if given.is_dir() else [given]:
        if file.is_file():
            path = file.relative_to(folder).as_posix()
            yield path, Template(f"with.config ({path})", _text(file))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise sparq.PipelineError(
            f"with.config: {file} is no text in UTF-8 ({error}); it is read as a template"
        ) from None
