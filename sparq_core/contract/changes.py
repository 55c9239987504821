"""What two sets of settings differ in."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

TEMPLATES = {"attempts.prompt"}


class Change(NamedTuple):
    """A setting that is other than it was."""

    setting: str
    before: Any
    after: Any

    @property
    def may_be_accepted(self) -> bool:
        """Whether a run can resume with it: a changed plugin, other options or files of one, or another template."""
        return (
            self.setting.startswith("plugins.") or self.setting in TEMPLATES or self.setting.endswith(".chat_template")
        )

    def __str__(self) -> str:
        return f"{self.setting}: {_short(self.before)} → {_short(self.after)}"


def listed(changes: Sequence[Change]) -> str:
    """Changes as an error tells them."""
    return "these settings differ (there → here):\n  " + "\n  ".join(map(str, changes))


def differences(there: Any, here: Any, path: str = "") -> Iterator[Change]:
    """What two mappings, and those in them, differ in; what one of them lacks is None there."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted(there.keys() | here.keys()):
            yield from differences(there.get(key), here.get(key), f"{path}.{key}" if path else key)
    elif there != here:
        yield Change(path, there, here)


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:57] + "…"
