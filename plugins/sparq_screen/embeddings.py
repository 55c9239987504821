"""A model's vectors of texts, kept in a file: a text's vector is made once, whatever machine the run is resumed on."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

KEY = 16


class Embeddings:
    """Opens the model on the CPU, and the file of what is known, if there is to be one."""

    def __init__(self, folder: Path, max_tokens: int, file: Path | None) -> None:
        logging.disable_progress_bar()
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
        self._max_tokens = max_tokens
        self.size: int = self._model.config.hidden_size
        self._row = np.dtype([("key", f"V{KEY}"), ("vector", np.float16, self.size)])
        self._file = file.open("a+b") if file else None
        self._kept = self._read(file)
        self._places = {key.tobytes(): i for i, key in enumerate(self._kept["key"])}

    def of(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """One unit vector a text, as half floats; a text at a time, so that none depends on its neighbours."""
        return np.stack([self._of(text) for text in texts])

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()

    def _of(self, text: str) -> NDArray[np.float16]:
        key = hashlib.blake2b(text.encode(), digest_size=KEY).digest()
        if key in self._places:
            vector: NDArray[np.float16] = self._kept["vector"][self._places[key]]
            return vector
        made = self._make(text)
        if self._file:
            self._file.write(key + made.tobytes())
            self._file.flush()
        return made

    def _make(self, text: str) -> NDArray[np.float16]:
        tokens = self._tokenizer(text, truncation=True, max_length=self._max_tokens, return_tensors="pt")["input_ids"]
        if not tokens.numel():
            return np.zeros(self.size, np.float16)
        with torch.inference_mode():
            mean = self._model(tokens.long()).last_hidden_state[0].mean(dim=0)
            return np.asarray(mean / mean.norm(), np.float16)

    def _read(self, file: Path | None) -> NDArray[np.void]:
        """What is whole in the file; a row that was cut off by a crash is dropped."""
        whole = file.stat().st_size // self._row.itemsize if file else 0
        if self._file:
            self._file.truncate(whole * self._row.itemsize)
        return np.memmap(file, self._row, "r", shape=(whole,)) if file and whole else np.empty(0, self._row)
