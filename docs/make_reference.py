"""Writes the pages of docs/reference from the code: `make docs`. A test holds them to be up to date."""

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from names_page import names_page, reward_page, sandbox_page

from sparq_core import hookspecs
from sparq_core.cli import cli
from sparq_core.cli.help import EXIT_CODES
from sparq_core.contract import config
from sparq_core.contract.files import DEEPEST
from sparq_core.contract.sandbox import CALL, MOST_CHARACTERS, MOST_TURNS
from sparq_core.hookspecs import HOOKS
from sparq_core.ledger import storage
from sparq_core.ledger.dataset_columns import TABLE
from sparq_core.pipeline.discovery import hooks_of, installed
from sparq_core.pipeline.file import LARGEST
from sparq_core.pipeline.notation import MOST_VALUES
from sparq_core.pipeline.settings import Option, all_options, config_of, options_of
from sparq_core.study import design

FOLDER = Path(__file__).parent / "reference"
MADE = "<!-- made by docs/make_reference.py -->\n"


def pages() -> dict[str, str]:
    """All generated pages by file name."""
    return {
        "pipeline.md": "\n".join(_pipeline()),
        "study.md": "\n".join(_study()),
        "plugins.md": "\n".join(_plugins()),
        "hooks.md": "\n".join(_hooks()),
        "records.md": re.sub(r"\n{3,}", "\n\n", "\n".join(names_page())),
        "sandbox.md": re.sub(r"\n{3,}", "\n\n", "\n".join(sandbox_page())),
        "reward.md": re.sub(r"\n{3,}", "\n\n", "\n".join(reward_page())),
        "commands.md": "\n".join(_commands()),
        "ledger.md": "\n".join(_ledger()),
        "dataset.md": "\n".join(_dataset()),
    }


def _pipeline() -> Iterator[str]:
    yield f"# The pipeline file\n\n{MADE}"
    yield "Core settings are top-level keys, the cast is one list. Paths are relative to the file; an option of a plugin that"
    yield "takes a file also takes `package:NAME/FILE`, a file that an installed package brings. Any setting can be changed on"
    yield "the command line: `--set attempts.k=8`, `--set plugins.sft.with.learning_rate=1e-4`.\n"
    yield f"It is YAML in UTF-8, at most {LARGEST >> 10} kB, {MOST_VALUES:,} values, counted where aliases repeat them, and"
    yield f"{DEEPEST} levels, without tags. Whole numbers have 64 bits, others are finite; runs and models name files.\n"
    yield f"A template may take {MOST_TURNS:,} turns of loops, of which a call counts for {CALL}, and write"
    yield f"{MOST_CHARACTERS:,} characters.\n"
    for name, record in (
        ("Top level", config.Pipeline),
        ("models.NAME", config.ModelConfig),
        ("models.NAME.prices", config.Prices),
        ("attempts", config.AttemptsConfig),
        ("train", config.TrainConfig),
        ("budget", config.BudgetConfig),
        ("plugins[i]", config.PluginConfig),
    ):
        yield f"## {name}\n\n{inspect.getdoc(record)}\n"
        yield from _options(list(options_of(record)))


def _study() -> Iterator[str]:
    yield f"# The study file\n\n{MADE}"
    yield "What `sparq study` runs; [how to compare](../how_to/study.md) shows one. Settings are named as by `--set`;"
    yield "paths among their values start, as the base pipeline's own do, from the folder of the base pipeline.\n"
    yield from _options(list(options_of(design.Study)))


def _plugins() -> Iterator[str]:
    yield f"# Built-in plugins\n\n{MADE}"
    yield "`sparq plugins` lists what is installed, `sparq plugins NAME` shows the same as here.\n"
    for name, entry in sorted(installed().items()):
        if not entry.dist or entry.dist.name != "sparq-engine":
            continue
        plugin = entry.load()
        yield f"## {name}\n\n{inspect.getdoc(plugin)}\n\nAnswers: {', '.join(f'`{h}`' for h in hooks_of(plugin))}.\n"
        record = config_of(plugin, name)
        if record:
            yield from _options(list(all_options(record)))


def _options(options: Sequence[Option]) -> Iterator[str]:
    yield "| option | type | default | meaning |\n|---|---|---|---|"
    for option in options:
        default = "a template, see below" if "\\n" in option.default else f"`{option.default}`"
        yield f"| `{option.name}` | {option.type} | {default} | {option.description} |"
    yield ""
    for option in options:
        if "\\n" in option.default:
            text = option.default.strip('"').encode().decode("unicode_escape").replace('\\"', '"')
            yield f"Default of `{option.name}`:\n\n```text\n{text}\n```\n"


def _hooks() -> Iterator[str]:
    yield f"# Hooks\n\n{MADE}"
    yield "A plugin is a class whose methods, marked with `@sparq.hookimpl`, are named after hooks.\n"
    yield (inspect.getdoc(hookspecs) or "").partition("\n\n")[2] + "\n"
    for hook in HOOKS:
        spec = getattr(hookspecs, hook)
        arguments = ", ".join(inspect.signature(spec).parameters)
        first, *rest = (inspect.getdoc(spec) or "").split("\n\n")
        users = [
            n for n, e in sorted(installed().items()) if hook in hooks_of(e.load()) and e.dist.name == "sparq-engine"
        ]
        yield f"## {hook}({arguments})\n\n{first}\n"
        for block in rest:
            yield from _labelled(block)
        yield f"\nAnswered by: {', '.join(f'`{u}`' for u in users) or 'no built-in'}.\n"


def _labelled(block: str) -> Iterator[str]:
    for line in block.splitlines():
        label, colon, text = line.partition(": ")
        yield f"- **{label}**: {text}" if colon and label in {"Called", "Answer", "Merged", "Errors"} else f"  {line}"


def _commands() -> Iterator[str]:
    yield f"# Commands\n\n{MADE}"
    top = click.Context(cli, info_name="sparq", terminal_width=100, **cli.context_settings)
    yield f"## sparq\n\n```text\n{cli.get_help(top)}\n```\n"
    for name in sorted(cli.list_commands(top)):
        if command := cli.get_command(top, name):
            context = click.Context(command, parent=top, info_name=name)
            yield f"## sparq {name}\n\n```text\n{command.get_help(context)}\n```\n"
    yield "## Exit codes\n"
    yield "| code | means |\n|---|---|"
    yield from (f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    yield ""


def _ledger() -> Iterator[str]:
    yield f"# The ledger\n\n{MADE}"
    yield "`runs/NAME/sparq.db` is a SQLite file in WAL mode: it can be read while it is written, by `sqlite3`, Datasette,"
    yield "pandas or `sparq_core.Reader`. Rows are added, never changed; only `total` is, which adds them up.\n"
    schema = (Path(storage.__file__).parent / "schema.sql").read_text(encoding="utf-8")
    yield f"```sql\n{schema.strip()}\n```\n"


def _dataset() -> Iterator[str]:
    yield f"# The dataset\n\n{MADE}"
    yield "`runs/NAME/dataset/round-N.jsonl` is what a round's model was trained on; `sparq export` writes the last curation's"
    yield "choice as JSON lines or Parquet. One row for each (problem, chosen attempt):\n"
    yield "| column | type | |\n|---|---|---|"
    for column in TABLE:
        yield f"| `{column.name}` | {column.kind} | {column.meaning} |"
    yield "\nEvery other descriptor is a column of its own, after these: a number, a text, a boolean or a list of texts, as its"
    yield "values are; where they are of several kinds, Parquet has them as JSON. A `chat` is a list of turns with `role` and"
    yield "`content`. Parquet has numbers as 64-bit floats.\n"


def main(folder: Path = FOLDER) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
