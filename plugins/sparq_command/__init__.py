"""Training by any program: an argument list, in an environment of its own, held to what a trained model must be."""

import json
import shutil
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

import sparq_core as sparq
from sparq_command.changed import are_same
from sparq_command.checks import findings, located
from sparq_command.fits import check_fits
from sparq_command.places import Places
from sparq_command.rows import converted, count
from sparq_command.templates import Names, Order
from sparq_command.whole import NotWholeError, check_whole


class CommandConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `command`."""

    run: Annotated[
        list[str],
        Meta(
            min_length=1, description="The trainer: a program and its arguments, each a template; no shell reads them."
        ),
    ]
    config: Annotated[
        sparq.InputFile | None,
        Meta(
            description="A file, or a folder of files, each a template: what comes of it is kept in the run's `logs`, and "
            "`{{ config }}` says where."
        ),
    ] = None
    merge: Annotated[
        Annotated[list[str], Meta(min_length=1)] | None,
        Meta(
            description="A second program, run after the trainer: makes the model in `{{ out }}` of what that has saved."
        ),
    ] = None
    env: Annotated[
        dict[Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*\Z")], str],
        Meta(description="Environment variables to add, each a template. They are recorded: give no secrets."),
    ] = field(default_factory=dict)
    format: Annotated[
        Literal["messages", "prompt-completion", "parquet"],
        Meta(
            description="What `{{ dataset }}` is: the run's JSON lines, with `messages` and all other columns; JSON lines with "
            "`prompt` and `completion`, both chats; or Parquet with `messages`. The last two are alone in their folder."
        ),
    ] = "messages"
    hours: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="Most hours that trainer and merge may take together; by default any."),
        sparq.FREE,
    ] = None


class Command:
    """
    Trains by any program in an environment of its own: TRL under accelerate, verl, axolotl, a script of yours.

    Arguments, variables and files are templates. They may use `model` (the weights to start from), `dataset`, `out` (an empty
    folder for the new model), `work` (the program's working directory, removed once the model is whole), `config`, `here` (the
    pipeline file's folder), `chat_template` (a file; empty where the model's own holds), `examples` (how many the dataset has),
    `seed` and `round`.

    The model must be whole, with safetensors and a tokenizer. Its weights must have the names and shapes of those it started
    from, unless its configuration has other sizes; they must be finite, and differ from those before. What the program prints
    is kept in the run's `logs`. All that it has begun ends with it, and with the run.
    """

    def __init__(self, config: CommandConfig) -> None:
        self._config = config
        self._here = Path()
        self._warn: Callable[[str], None] = lambda _: None

    @sparq.hookimpl
    def check(self, run: sparq.Run) -> Iterable[sparq.Finding]:
        folder = run.folder or run.base
        names = self._names(run.trained, folder / "dataset" / "round-1.jsonl", folder / "models" / "round-1", run.base)
        try:
            yield from findings(Order.of(self._config), names, run.base)
        except sparq.PipelineError as error:
            place, _, message = str(error).partition(": ")
            yield sparq.Finding(level="error", place=place, message=message)
        if self._config.format == "parquet" and find_spec("pyarrow") is None:
            message = "parquet needs pyarrow: pip install 'sparq-engine[parquet]'"
            yield sparq.Finding(level="error", place="with.format", message=message)

    @sparq.hookimpl
    def start(self, run: sparq.Run, warn: Callable[[str], None]) -> None:
        self._here, self._warn = run.base, warn

    @sparq.hookimpl
    def train(self, dataset: Path, weights: sparq.Model, out: Path, seed: int, round: int) -> None:
        places, order = Places.of(out), Order.of(self._config)
        places.empty()
        if weights.chat_template:
            places.chat_template.write_text(weights.chat_template, encoding="utf-8")
        handed_over = converted(dataset.absolute(), self._config.format, places.dataset)
        names = {
            **self._names(weights, handed_over, out, self._here),
            "examples": count(dataset),
            "seed": seed,
            "round": round,
        }
        order.write(places.filled, names)
        self._execute(order, names, places)
        self._hold_to_contract(weights, out, places)
        shutil.rmtree(places.work, ignore_errors=True)

    def _names(self, weights: sparq.Model, dataset: Path, out: Path, here: Path) -> dict[str, str | int]:
        """All that templates may use; what only a training knows is as of some training."""
        places, local = Places.of(out), Path(weights.path)
        return {
            "model": str(local.absolute()) if local.is_dir() else weights.path,
            "dataset": str(dataset),
            "out": str(out.absolute()),
            "work": str(places.work),
            **({"config": places.config(self._config.config)} if self._config.config else {}),
            "here": str(here.absolute()),
            "chat_template": str(places.chat_template) if weights.chat_template else "",
            "examples": 1000,
            "seed": 0,
            "round": 1,
        }

    def _execute(self, order: Order, names: Names, places: Places) -> None:
        env = order.variables(names)
        commands = [
            [located(program, self._here, env.get("PATH")) or program, *arguments]
            for program, *arguments in order.commands(names)
        ]
        job = {
            "commands": commands,
            "env": env,
            "folder": str(places.work),
            "hours": self._config.hours,
            "left": str(places.left),
        }
        sparq.run_worker("sparq_command.worker", job, places.log)
        if places.left.exists():
            left = ", ".join(json.loads(places.left.read_bytes()))
            self._warn(f"command: processes that the trainer had left at work were ended: {left}")

    def _hold_to_contract(self, weights: sparq.Model, out: Path, places: Places) -> None:
        """SparqError for a model that is not whole, does not fit the one it started from, or is not another."""
        before = sparq.folder_of(weights.path)
        try:
            check_whole(out)
            if before:
                check_fits(before, out)
        except NotWholeError as error:
            raise sparq.SparqError(
                f"command: the trainer left no whole model: {error} (its log: {places.log})"
            ) from error
        if before and are_same(before, out):
            raise sparq.SparqError(
                f"command: the trained weights are those it started from; does it train, and save what it has trained? A "
                f"learning rate that is too small for bfloat16 changes none, either (its log: {places.log})"
            )
