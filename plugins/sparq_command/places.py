"""Where the files of a training are, beside the model that it makes."""

import shutil
from pathlib import Path
from typing import NamedTuple


class Places(NamedTuple):
    """Of one training, in its run's folder."""

    work: Path
    """What the trainer works in; it is removed once the model is whole."""
    filled: Path
    """The files that were filled in for it."""
    log: Path
    """What it printed."""

    @classmethod
    def of(cls, out: Path) -> "Places":
        """Of the training that writes the folder `out`, among the run's models."""
        run, name = out.absolute().parent.parent, f"train-{out.name.removesuffix('.partial')}"
        return cls(run / "work" / name, run / "logs" / name, run / "logs" / f"{name}.log")

    @property
    def chat_template(self) -> Path:
        """The chat template that replaces the model's own."""
        return self.work / "chat_template.jinja"

    @property
    def dataset(self) -> Path:
        """The folder of a dataset in another format than the run's own."""
        return self.work / "dataset"

    @property
    def left(self) -> Path:
        """The names of the processes that the trainer left at work."""
        return self.work / "left-behind.json"

    def config(self, given: str | None) -> str:
        """Where the file or folder of this name is, filled in."""
        if given is None:
            return ""
        return str(self.filled if Path(given).is_dir() else self.filled / Path(given).name)

    def empty(self) -> None:
        """Make the two folders anew, without what an earlier try has left."""
        for folder in (self.work, self.filled):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
