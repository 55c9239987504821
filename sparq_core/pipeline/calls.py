"""One call of a plugin: whatever it raises, or answers against its contract, becomes an error that names it."""

import inspect
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from sparq_core.contract.errors import Interrupted, PluginError, SparqError
from sparq_core.contract.messages import raised

T = TypeVar("T")
SHOWN = 200
"""Characters of a wrong answer that an error shows."""


class Call(NamedTuple):
    """One call of a plugin, as a context in which whatever it raises becomes a `PluginError` that names it."""

    plugin: str
    place: str
    """Where the pipeline names the plugin."""
    spec: Callable[..., Any]
    """The hook."""
    when: str = ""
    """The step or the round, in words; empty before the first."""
    relay: Callable[..., Any] = NotImplemented
    """Calls the plugin with those of the arguments that it names, and lists what it answers."""

    @property
    def hook(self) -> str:
        return self.spec.__name__

    def __str__(self) -> str:
        return f"plugin '{self.plugin}' ({self.place}), hook `{self.hook}`" + f", {self.when}" * bool(self.when)

    def __enter__(self) -> None:
        _at_work.setdefault(threading.get_ident(), []).append(_Begun(self))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        _ended()
        if error is None or isinstance(error, PluginError | Interrupted) or _is_ctrl_c(error):
            return
        if isinstance(error, SparqError):
            error.add_note(f"said by {self}")
            return
        raise PluginError(f"{self}: {raised(error)}") from error

    def answer(self, **arguments: Any) -> Any:
        """Make the call; None where the plugin answers nothing."""
        with self:
            answers = self.relay(**arguments)
        return answers[0] if answers else None

    def answer_each(self, argument: str, items: list[T], named: Callable[[T], str]) -> Any:
        """The call whose one argument is a list; where it raises, the error names the first item that raises alone, too."""
        try:
            return self.answer(**{argument: items})
        except PluginError as error:
            for item in list(items):
                try:
                    self.answer(**{argument: [item]})
                except PluginError:
                    raise PluginError(f"{error}\n  it raises for {named(item)} alone") from error.__cause__
            raise

    def wrong(self, gave: object, why: str, what: str = "it returned") -> PluginError:
        """The error that stops the run: what the plugin gave, what is wrong with it, what the contract says."""
        return PluginError(f"{self}: {why}\n  {what}: {_shown(gave)}\n  the contract: {contract_of(self.spec)}")


class _Begun:
    """A call that has not ended."""

    def __init__(self, call: Call) -> None:
        self.call, self.began = call, time.monotonic()
        self.elsewhere = 0.0
        """Seconds in which it waited for other plugins, a sampler above all."""


_at_work: dict[int, list[_Begun]] = {}
"""Calls that have not ended, by thread; each was made by the one before."""


def _ended() -> None:
    calls = _at_work[threading.get_ident()]
    begun = calls.pop()
    if calls:
        calls[-1].elsewhere += time.monotonic() - begun.began
    else:
        del _at_work[threading.get_ident()]


def answering() -> Iterator[tuple[Call, float]]:
    """The plugins that are answering now, each with the seconds for which it has been, those left out in which others were."""
    now = time.monotonic()
    for calls in list(_at_work.values()):
        until = now
        for begun in reversed(list(calls)):
            yield begun.call, until - begun.began - begun.elsewhere
            until = begun.began


def _is_ctrl_c(error: BaseException) -> bool:
    """Whether it may be the user's; not in a run, which handles the signal itself, nor in another thread."""
    return (
        isinstance(error, KeyboardInterrupt)
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )


@cache
def contract_of(spec: Callable[..., Any]) -> str:
    """What a hook's page says of its answer."""
    lines = (inspect.getdoc(spec) or "").splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("Answer: "))
    last = next(i for i, line in enumerate(lines) if line.startswith("Merged: "))
    return " ".join(lines[first:last]).removeprefix("Answer: ")


def _shown(gave: object) -> str:
    try:
        text = repr(gave)
    except Exception as error:  # noqa: BLE001 -- a plugin's own __repr__
        text = f"a {type(gave).__name__} whose repr raises {type(error).__name__}"
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
