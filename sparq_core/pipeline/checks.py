"""
What plugins answer, checked where it crosses into the engine, before anything uses it.

Structure is the contract: types, lengths, values, finite numbers. What crosses is a copy, so a plugin cannot change it
afterwards. What a text says is never a matter of contract: characters that no file can hold are replaced.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from numbers import Integral, Real
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from sparq_core.contract.decoding import decoder
from sparq_core.contract.records import Assessment, Case, Draft, Problem, Rejection, Step
from sparq_core.contract.texts import valid
from sparq_core.ledger.dataset_columns import COLUMNS
from sparq_core.pipeline.calls import Call

T = TypeVar("T")
SEED = Draft().operator
"""What a draft is made by where it does not say."""
BATCH = 1_000
"""Records that are checked at once where there may be millions."""


# -- copies ------------------------------------------------------------------------------------------------------------


def _plain_number(value: Any) -> Any:
    """Numbers of other libraries, numpy's above all."""
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not plain data")


_encode = msgspec.msgpack.Encoder(enc_hook=_plain_number).encode


def copied(call: Call, answer: object, kind: Any) -> Any:
    """The answer as a value of its own, all its types checked; `kind` may be any type msgspec knows."""
    try:
        try:
            data = _encode(answer)
        except UnicodeEncodeError:
            data = _encode(mended(msgspec.to_builtins(answer, enc_hook=_plain_number)))
        return decoder(kind).decode(data)
    except msgspec.ValidationError as error:
        raise call.wrong(_item(answer, str(error)), str(error)) from None
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise call.wrong(answer, f"this is not plain data: {error}") from None


def _item(answer: object, error: str) -> object:
    """The one of several answers that an error of msgspec's is about."""
    found = re.search(r"`\$\[(\d+)\]", error)
    return answer[int(found[1])] if found and isinstance(answer, list | tuple) else answer


def mended(value: Any) -> Any:
    """Plain data with the characters replaced that UTF-8 cannot say (lone surrogates)."""
    if isinstance(value, str):
        return valid(value)
    if isinstance(value, dict):
        return {mended(key): mended(item) for key, item in value.items()}
    return [mended(item) for item in value] if isinstance(value, list) else value


def record(call: Call, answer: object, kind: type[T]) -> T:
    """One record of exactly this type."""
    if not isinstance(answer, kind):
        raise call.wrong(answer, f"this is {_a(answer)}, not a {kind.__name__}")
    _check_ordered(call, answer)
    value: T = copied(call, answer, kind)
    return value


def aligned(call: Call, answer: object, item: Any, count: int) -> list[Any]:
    """A list of `count` answers, one for each item of the batch, each None or of the type `item` where that says so."""
    answers = listed(call, answer)
    if len(answers) != count:
        raise call.wrong(answer, f"{len(answers)} answers for a batch of {count}")
    _check_records(call, answers, item)
    copies: list[Any] = copied(call, answers, list[item])
    return copies


def listed(call: Call, answer: object) -> Sequence[Any]:
    """A list or tuple."""
    if not isinstance(answer, list | tuple):
        raise call.wrong(answer, f"this is {_a(answer)}, not a list")
    return answer


def records(call: Call, answer: object, kind: type[T]) -> list[T]:
    """A list of records of this type, however many."""
    answers = listed(call, answer)
    _check_records(call, answers, kind)
    copies: list[T] = copied(call, answers, list[kind])  # type: ignore[valid-type] # built at run time
    return copies


def _check_records(call: Call, answers: Sequence[Any], kind: Any) -> None:
    """Plain data in the shape of a record is no record."""
    structs = tuple(
        k for k in getattr(kind, "__args__", (kind,)) if isinstance(k, type) and issubclass(k, msgspec.Struct)
    )
    optional = type(None) in getattr(kind, "__args__", ())
    for i, answer in enumerate(answers if structs else (), 1):
        if not (isinstance(answer, structs) or (optional and answer is None)):
            raise call.wrong(answer, f"answer {i} of {len(answers)} is {_a(answer)}, not a {structs[0].__name__}")
        _check_ordered(call, answer)


def _check_ordered(call: Call, answer: object) -> None:
    """A draft's own data has no sets: a copy would have them as lists, in the order of this process."""
    if isinstance(answer, Draft):
        _check_no_set(call, answer, "`extra`", answer.extra)


def _check_no_set(call: Call, gave: object, what: str, data: object) -> None:
    if _has_set(data):
        raise call.wrong(gave, f"{what} has a set, whose order differs between processes; give a sorted list")


def _has_set(data: object) -> bool:
    if isinstance(data, Mapping | list | tuple):
        return any(map(_has_set, data.values() if isinstance(data, Mapping) else data))
    return isinstance(data, set | frozenset)


def _items(call: Call, answer: object, kind: type[T]) -> Iterator[Any]:
    """What an iterable gives, not looked at yet."""
    if not isinstance(answer, Iterable) or isinstance(answer, str | bytes | Mapping):
        raise call.wrong(answer, f"this is {_a(answer)}, not an iterable of {kind.__name__}")
    with call:
        return iter(answer)


def streamed(call: Call, answer: object, kind: type[T]) -> Iterator[T]:
    """Records of this type from an iterable, each checked when it is taken."""
    items = _items(call, answer, kind)
    while True:
        with call:
            try:
                item = next(items)
            except StopIteration:
                break
        yield record(call, item, kind)


def batches(call: Call, answer: object, kind: type[T]) -> Iterator[list[T]]:
    """Records of this type from an iterable of many, some at a time."""
    items = _items(call, answer, kind)
    while True:
        with call:
            some = list(islice(items, BATCH))
        if not some:
            return
        yield records(call, some, kind)


def nothing(call: Call, answer: object) -> None:
    """No answer at all."""
    if answer is not None:
        raise call.wrong(answer, f"this is {_a(answer)}, where nothing is asked")


def _a(answer: object) -> str:
    return "nothing" if answer is None else f"a {type(answer).__name__}"


# -- values ------------------------------------------------------------------------------------------------------------


def finite(call: Call, gave: object, value: float, what: str) -> None:
    """A number that is not NaN or infinite."""
    if not math.isfinite(value):
        raise call.wrong(gave, f"{what} is {value}")


def metrics_in(call: Call, answer: object) -> dict[str, float]:
    """Metrics by name, finite numbers all; none where a plugin answers None."""
    kind = dict[str, float] | None
    given: dict[str, float] = copied(call, dict(answer) if isinstance(answer, Mapping) else answer, kind) or {}
    for name, value in given.items():
        finite(call, answer, value, f"'{name}'")
    return given


def plain(call: Call, data: Mapping[str, Any], what: str) -> dict[str, Any]:
    """JSON data as the ledger gives it back: tuples are lists, keys are text; NaN and infinities cannot be kept."""
    _check_finite(call, data, what)
    try:
        value: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(data))
    except (TypeError, ValueError, OverflowError) as error:
        raise call.wrong(data, f"{what} is not JSON: {error}") from None
    return value


def _check_finite(call: Call, data: Any, what: str) -> None:
    if isinstance(data, float):
        finite(call, data, data, what)
    elif isinstance(data, dict | list):
        for item in data.values() if isinstance(data, dict) else data:
            _check_finite(call, item, what)


# -- inputs ------------------------------------------------------------------------------------------------------------


class Untouched:
    """Notices, after a call, that a plugin changed the batch it was given; records are frozen, what they hold may not be."""

    def __init__(self, batch: list[Any], inner: Callable[[Any], Any]) -> None:
        self._batch, self._inner = batch, inner
        self._items, self._data = list(batch), self._fingerprint(batch)

    def _fingerprint(self, batch: list[Any]) -> bytes:
        return _encode([self._inner(item) for item in batch])

    def check(self, call: Call) -> None:
        """PluginError where the batch is not as it was."""
        same = len(self._batch) == len(self._items) and all(map(_is, self._batch, self._items))
        if not same or self._fingerprint(self._batch) != self._data:
            why = "it changed the batch it was given; hooks must not change their input"
            raise call.wrong(self._batch, why, "the batch is now")


def _is(one: object, other: object) -> bool:
    return one is other


# -- records with rules of their own ------------------------------------------------------------------------------------


def extra_of(problem: Problem) -> Mapping[str, Any]:
    """What of a problem could be changed."""
    return problem.extra


def extra_of_case(case: Case) -> Mapping[str, Any]:
    """What of a case could be changed."""
    return case.problem.extra


def contents_of(step: Step) -> list[object]:
    """What of a step could be changed."""
    return [(child.problem.extra, child.descriptors) for child in (*step.children, *step.again)]


def checked_draft(call: Call, draft: Draft, parents: Sequence[str], asked: int) -> Draft:
    """A draft whose parents and completion are among those its plugin was given, its `extra` as the ledger gives it back."""
    if not (draft.unparsed or draft.statement.strip()):
        raise call.wrong(draft, "it has neither a statement nor `unparsed`")
    for parent in draft.parents:
        if parent not in parents:
            raise call.wrong(draft, f"'{parent}' is none of the parents it was given")
    if draft.ordinal is not None and not 0 <= draft.ordinal < asked:
        raise call.wrong(draft, f"it was read from completion {draft.ordinal}, but {asked} were asked for")
    return replace(draft, extra=plain(call, draft.extra, "extra")) if draft.extra else draft


def proposed(call: Call, draft: Draft, parents: Sequence[str], asked: int) -> Draft:
    """A checked draft with its parents, made by its plugin where it does not say by what."""
    if not draft.parents:
        raise call.wrong(draft, "it names no parent")
    made_by = call.plugin if draft.operator == SEED else draft.operator
    return replace(checked_draft(call, draft, parents, asked), operator=made_by)


def rejection_for(call: Call, reason: str | None) -> Rejection | None:
    """The rejection that a reason makes."""
    if reason == "":
        raise call.wrong(reason, "an empty reason; None lets a child pass")
    return Rejection.by(call.hook, call.plugin, reason) if reason else None


def check_assessment(call: Call, case: Case, assessment: Assessment) -> None:
    """An outcome that attempts can have, a quality that can be ranked, verdicts for all attempts or none."""
    if assessment.outcome == "rejected":
        raise call.wrong(assessment, "an attempted problem cannot be rejected")
    finite(call, assessment, assessment.quality, "the quality")
    if assessment.quality < 0:
        raise call.wrong(assessment, f"the quality is {assessment.quality}")
    if assessment.verdicts is not None and len(assessment.verdicts) != len(case.judged):
        raise call.wrong(assessment, f"{len(assessment.verdicts)} verdicts for {len(case.judged)} attempts")


def as_dicts(call: Call, answer: object) -> object:
    """Mappings of any kind as plain ones, without sets; what is no mapping is left to be found."""
    if not isinstance(answer, list | tuple):
        return answer
    for item in answer:
        for key, value in item.items() if isinstance(item, Mapping) else ():
            _check_no_set(call, item, f"'{key}'", value)
    return [dict(item) if isinstance(item, Mapping) else item for item in answer]


class Kinds:
    """Notices a descriptor that is a number of one problem and a label of another, of which niches cannot be made."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, str]] = {}

    def check(self, call: Call, problem: str, given: Mapping[str, Any]) -> None:
        """PluginError where a value is of another kind than those before it."""
        for key, value in given.items():
            if value is None:
                continue
            kind = "a number" if isinstance(value, int | float) else "a label"
            before, other = self._seen.setdefault(key, (kind, problem))
            if kind != before:
                raise call.wrong(given, f"'{key}' of problem {problem} is {kind}, and that of {other} {before}")


def unite(call: Call, united: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Add one plugin's descriptors to those of the plugins before it."""
    if twice := united.keys() & given.keys():
        raise call.wrong(dict(given), f"'{min(twice)}' is described by another plugin, too")
    for key, value in given.items():
        if key in COLUMNS:
            raise call.wrong(dict(given), f"'{key}' is a column of the dataset")
        if isinstance(value, float):
            finite(call, dict(given), value, f"'{key}'")
        elif not (value is None or isinstance(value, str | int) or _is_labels(value)):
            raise call.wrong(dict(given), f"'{key}' is {type(value).__name__}")
    united.update(given)


def _is_labels(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
