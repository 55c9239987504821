"""Which tokens a completion goes without follows from its seed; those that any text needs always stay."""

import pytest

import sparq_core as sparq

LETTERS = [chr(ord("a") + i) for i in range(26)]
TOKENS = ["<pad>", "<end>", "<user>", *LETTERS, *(f"word{i}" for i in range(970)), None]


class Tokenizer:
    """As much of a tokenizer as is asked."""

    all_special_ids = (0, 1)

    def __len__(self) -> int:
        return len(TOKENS)

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str | None]:
        return [TOKENS[i] for i in ids]

    def get_added_vocab(self) -> dict[str, int]:
        return {"<user>": 2}

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        assert not add_special_tokens
        return [TOKENS.index(word) for word in text.split()]


def left_out(seed: int, share: float, stop: tuple[str, ...] = (), stay: tuple[int, ...] = ()) -> list[int]:
    return sparq.Vocabulary(Tokenizer(), stay).left_out(seed, share, stop)


def test_the_share_is_drawn_from_the_seed() -> None:
    found = left_out(7, 0.1)
    assert found == left_out(7, 0.1) == sorted(set(found))
    assert 90 <= len(found) <= 100
    assert len(set(found) & set(left_out(8, 0.1))) < 30


def test_it_is_the_same_in_every_version() -> None:
    assert left_out(7, 0.01) == [29, 40, 333, 416, 470, 607, 681, 768, 931, 993]


def test_without_a_share_all_stay() -> None:
    assert left_out(7, 0.0) == []


def test_what_every_text_needs_stays() -> None:
    found = {token for seed in range(200) for token in left_out(seed, 0.5, stop=("word5 word6",), stay=(40,))}
    assert found == set(range(29, len(TOKENS) - 1)) - {TOKENS.index("word5"), TOKENS.index("word6"), 40}


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_of_all_is_refused(share: float) -> None:
    with pytest.raises(sparq.PipelineError, match="dropout"):
        sparq.from_settings([f"dropout={share}"], sparq.Sampling, "--option")
