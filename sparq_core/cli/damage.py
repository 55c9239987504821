"""What would be a bug, where it was met in a damaged ledger: rows that nobody has written lead anywhere."""

from pathlib import Path

from sparq_core.contract.errors import SparqError
from sparq_core.contract.messages import raised
from sparq_core.ledger.doctor import examine
from sparq_core.ledger.proof import Damaged


def damaged(folder: Path, error: Exception) -> Damaged | None:
    """What the doctor finds of a run folder in which a command came to an error that is a bug; None where it is one of ours."""
    try:
        checks = examine(folder).checks
    except SparqError:
        return None
    found = next((f"{check.name}: {damage}" for check in checks for damage in check.damage), None)
    return Damaged(f"{folder}: cannot be read ({raised(error)}). {found}") if found else None
