"""What single answers must be, beyond their types: drafts, assessments, descriptors; and what of a batch could be changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from sparq_core.contract.records import Assessment, Case, Draft, Problem, Step
from sparq_core.ledger.columns import COLUMNS
from sparq_core.pipeline.boundary import Call, finite, plain


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
    for parent in draft.parents:
        if parent not in parents:
            raise call.wrong(draft, f"'{parent}' is none of the parents it was given")
    if draft.ordinal is not None and not 0 <= draft.ordinal < asked:
        raise call.wrong(draft, f"it was read from completion {draft.ordinal}, but {asked} were asked for")
    return replace(draft, extra=plain(call, draft.extra, "extra")) if draft.extra else draft


def check_assessment(call: Call, case: Case, assessment: Assessment) -> None:
    """An outcome that attempts can have, a quality that can be ranked, verdicts for all attempts or none."""
    if assessment.outcome == "rejected":
        raise call.wrong(assessment, "an attempted problem cannot be rejected")
    finite(call, assessment, assessment.quality, "the quality")
    if assessment.quality < 0:
        raise call.wrong(assessment, f"the quality is {assessment.quality}")
    if assessment.verdicts is not None and len(assessment.verdicts) != len(case.judged):
        raise call.wrong(assessment, f"{len(assessment.verdicts)} verdicts for {len(case.judged)} attempts")


def as_dicts(answer: object) -> object:
    """Mappings of any kind as plain ones; what is none is left to be found."""
    if not isinstance(answer, list | tuple):
        return answer
    return [dict(item) if isinstance(item, Mapping) else item for item in answer]


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
