"""Vocabulary dropout: the tokens that a completion goes without, so that a proposer says something else (2604.03472)."""

from collections.abc import Collection
from typing import Any

from sparq_core.contract.randomness import generator


class Vocabulary:
    """
    The tokens of a model, of which completions may go without some.

    `tokenizer` is one of transformers; `stay` are further tokens that are never left out, such as those that end a completion.
    Nor are special and added tokens, or those of a single character: whatever can be written can still be spelt.
    """

    def __init__(self, tokenizer: Any, stay: Collection[int] = ()) -> None:
        self._tokenizer = tokenizer
        self.size: int = len(tokenizer)
        tokens = enumerate(tokenizer.convert_ids_to_tokens(list(range(self.size))))
        letters = {i for i, token in tokens if token is None or len(token) == 1}
        self._stay = letters.union(tokenizer.all_special_ids, tokenizer.get_added_vocab().values(), stay)

    def left_out(self, seed: int, share: float, stop: Collection[str] = ()) -> list[int]:
        """
        The tokens, ascending, that the sample of a seed goes without: of all tokens a share is drawn, and of these some stay.

        Those of the strings that end a completion stay, too. The same everywhere for the same tokenizer.
        """
        drawn = generator(seed, "dropout").sample(range(self.size), round(share * self.size))
        said = {token for string in stop for token in self._tokenizer.encode(string, add_special_tokens=False)}
        return sorted(set(drawn) - self._stay - said)
