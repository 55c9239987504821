"""What can be noticed of a command before it is paid for."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import sparq_core as sparq
from sparq_command.templates import Names, Order, Template

NEEDED = {
    "model": "the weights to start from",
    "dataset": "what to train on",
    "out": "the folder to write the new model to",
}
"""The names without which no trainer can do its work."""
SCRIPTS = {".py", ".sh"}
"""How the names of files end that an argument can only mean to run."""


def findings(order: Order, names: Names, here: Path) -> Iterator[sparq.Finding]:
    """Templates that cannot be filled in; where all can be, names that nothing uses and programs that are not there."""
    wrong = [_error(t.place, message) for t in order.templates() if (message := _wrong_with(t, names))]
    yield from wrong or [*_untold(order, names), *_programs(order, names, here)]


def located(program: str, here: Path, path: str | None) -> str | None:
    """Where a program is: from the folder `here` where it has a slash, else on the search path; None where it is not."""
    return shutil.which(str(here.absolute() / program) if "/" in program else program, path=path)


def _error(place: str, message: str) -> sparq.Finding:
    return sparq.Finding(level="error", place=place, message=message)


def _wrong_with(template: Template, names: Names) -> str:
    try:
        if unknown := sorted(sparq.template_names(template.text, template.place) - set(names)):
            return f"'{unknown[0]}' is no name that a template may use; {sparq.nearest(unknown[0], names)}"
        if "\0" in template.fill(names):
            return "it has a NUL character, which no argument, variable or configuration may have"
    except sparq.PipelineError as error:
        return str(error).removeprefix(f"{template.place}: ")
    return ""


def _untold(order: Order, names: Names) -> Iterator[sparq.Finding]:
    """For names that a trainer needs and nothing uses; they may be written in single braces, as elsewhere."""
    used = {name for t in order.templates() for name in sparq.template_names(t.text, t.place)}
    needed = NEEDED | ({"config": "the file that is filled in"} if order.files else {})
    for name, what in needed.items():
        if name not in used:
            yield _error(
                "with.run", f"nothing uses {{{{ {name} }}}}, so the trainer is not told {what}; add an argument"
            )
    if names["chat_template"] and "chat_template" not in used:
        message = (
            "the model has another chat template than its own, and nothing uses {{ chat_template }}, the file of it"
        )
        yield sparq.Finding(level="warning", place="with.run", message=message)


def _programs(order: Order, names: Names, here: Path) -> Iterator[sparq.Finding]:
    path = order.variables(names).get("PATH")
    for place, (program, *_) in zip(("with.run[0]", "with.merge[0]"), order.commands(names), strict=False):
        if located(program, here, path) is None:
            yield _error(place, _absent(program, here.absolute() / program))
    for argument in (*order.run[1:], *order.merge[1:]):
        file = Path(argument.fill(names))
        beside = "here" in sparq.template_names(argument.text, argument.place)
        if beside and file.suffix in SCRIPTS and not file.exists():
            yield _error(argument.place, f"there is no file {file}")


def _absent(program: str, file: Path) -> str:
    if "/" not in program:
        return f"no program '{program}' is on the search path; install it, or give its path, as /opt/venv/bin/{program}"
    if file.is_file():
        return f"{file} is not executable; chmod +x it, or run it by its interpreter"
    return f"there is no program {file}"
