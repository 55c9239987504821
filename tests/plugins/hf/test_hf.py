"""Sampling with transformers, on the embedded model."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import sparq_core as sparq
from sparq_hf import HfConfig, HfSampler
from sparq_tiny import MODEL


def model(**fields: str) -> sparq.Model:
    return sparq.Model(**{"name": "student", "path": str(MODEL), "digest": "d", **fields})


@pytest.fixture(scope="module")
def sampler() -> Iterator[sparq.Sampler]:
    opened = HfSampler(HfConfig(batch_size=64)).sampler(model())
    yield opened
    opened.close()


def request(text: str, seed: int = 1, n: int = 1, **sampling: object) -> sparq.Request:
    options = {"max_tokens": 48, **sampling}
    return sparq.Request(
        messages=(sparq.Message("user", text),),
        seed=seed,
        n=n,
        sampling=sparq.Sampling(**options),  # type: ignore[arg-type] # keyword options of a test
    )


PROBLEM = (
    "Anna has 12 apples and buys 7 more. How many apples are there now?\n\n"
    "Please reason step by step, and put your final answer within \\boxed{}."
)


def test_the_same_call_gives_the_same_completions(sampler: sparq.Sampler) -> None:
    requests = [request(PROBLEM, seed=i, n=4) for i in range(5)]
    assert sampler.sample(requests) == sampler.sample(requests)


def test_a_sample_follows_its_seed_not_its_place(sampler: sparq.Sampler) -> None:
    together = sampler.sample([request(PROBLEM, seed=10, n=6)])[0]
    apart = [sampler.sample([request(PROBLEM, seed=10 + j)])[0][0] for j in range(6)]
    assert [(c.text, c.finish, c.tokens) for c in together] == [(c.text, c.finish, c.tokens) for c in apart]


def test_neighbours_do_not_matter(sampler: sparq.Sampler) -> None:
    alone = sampler.sample([request(PROBLEM, seed=3, n=3)])[0]
    others = [request("What is 2 + 2?" + " Think." * i, seed=100 + i) for i in range(7)]
    assert sampler.sample([*others, request(PROBLEM, seed=3, n=3)])[-1] == alone


def test_different_seeds_differ(sampler: sparq.Sampler) -> None:
    texts = {c.text for c in sampler.sample([request(PROBLEM, seed=5, n=32)])[0]}
    assert len(texts) > 3


def test_samples_follow_the_models_distribution(sampler: sparq.Sampler) -> None:
    import torch

    inner = sampler
    ids = inner._tokenize([request(PROBLEM)])[0]  # type: ignore[attr-defined] # the sampler's own tokens
    with torch.inference_mode():
        logits = inner._model(torch.tensor([ids])).logits[0, -1]  # type: ignore[attr-defined] # its own model
    probabilities = torch.softmax(logits / 1.3, dim=-1)
    draws = 2000
    texts = [c.text for c in inner.sample([request(PROBLEM, seed=7, n=draws, max_tokens=1, temperature=1.3)])[0]]
    counts = Counter(texts)
    for token in probabilities.topk(4).indices.tolist():
        share = counts[inner._tokenizer.decode([token])] / draws  # type: ignore[attr-defined] # its own tokenizer
        p = float(probabilities[token])
        assert abs(share - p) < 4 * (p * (1 - p) / draws) ** 0.5 + 1e-3


def test_greedy_is_greedy(sampler: sparq.Sampler) -> None:
    answers = sampler.sample([request(PROBLEM, seed=i, temperature=0.0) for i in range(4)])
    assert len({a[0].text for a in answers}) == 1


def test_top_p_cuts_the_tail(sampler: sparq.Sampler) -> None:
    narrow = {c.text for c in sampler.sample([request(PROBLEM, n=32, top_p=0.01)])[0]}
    assert narrow == {sampler.sample([request(PROBLEM, temperature=0.0)])[0][0].text}


def test_a_cut_completion_says_so(sampler: sparq.Sampler) -> None:
    (cut,) = sampler.sample([request(PROBLEM, max_tokens=2)])[0]
    assert (cut.finish, cut.tokens) == ("length", 2)
    (whole,) = sampler.sample([request(PROBLEM, temperature=0.0, max_tokens=96)])[0]
    assert whole.finish == "stop"
    assert whole.tokens < 96
    assert "<|" not in whole.text


def test_stop_strings_end_a_completion_and_are_left_out(sampler: sparq.Sampler) -> None:
    (stopped,) = sampler.sample([request(PROBLEM, temperature=0.0, stop=("boxed",))])[0]
    assert stopped.finish == "stop"
    assert "boxed" not in stopped.text
    (whole,) = sampler.sample([request(PROBLEM, temperature=0.0)])[0]
    assert whole.text.startswith(stopped.text)
    assert stopped.tokens < whole.tokens


def test_each_sample_goes_without_tokens_of_its_own(sampler: sparq.Sampler) -> None:
    wanted = request(PROBLEM, seed=20, n=12, dropout=0.4)
    together = sampler.sample([request(PROBLEM), wanted])[1]
    assert together == sampler.sample([wanted])[0]
    apart = [sampler.sample([request(PROBLEM, seed=20 + j, dropout=0.4)])[0][0] for j in range(12)]
    assert [c.text for c in together] == [c.text for c in apart]


def test_no_token_that_is_left_out_is_sampled() -> None:
    opened = HfSampler(HfConfig()).sampler(model())
    (prompt,) = opened._tokenize([request(PROBLEM)])
    rows = [(0, j, prompt, 20 + j) for j in range(12)]
    vocabulary = opened._vocabulary
    left_out = [set(vocabulary.left_out(20 + j, 0.4)) for j in range(12)]
    dropped, plain = (opened._generate(rows, (1.0, 1.0, 48, (), share)) for share in (0.4, 0.0))
    assert all(without.isdisjoint(tokens) for without, tokens in zip(left_out, dropped, strict=True))
    assert not any(without.isdisjoint(tokens) for without, tokens in zip(left_out, plain, strict=True))
    opened.close()


def test_greedy_goes_without_them_too(sampler: sparq.Sampler) -> None:
    answers = sampler.sample([request(PROBLEM, seed=s, temperature=0.0, dropout=0.4) for s in range(6)])
    assert len({completion.text for (completion,) in answers}) > 1


def test_a_prompt_that_does_not_fit_is_said_to_be_too_long(sampler: sparq.Sampler) -> None:
    long, short = sampler.sample([request("word " * 5000, n=2), request(PROBLEM)])
    assert [(c.finish, c.tokens) for c in long] == [("too-long", 0)] * 2
    assert short[0].text


def test_requests_with_different_settings_keep_their_order(sampler: sparq.Sampler) -> None:
    answers = sampler.sample([request(PROBLEM, max_tokens=m) for m in (3, 1, 2)])
    assert [a[0].tokens for a in answers] == [3, 1, 2]


def test_no_requests_no_answers(sampler: sparq.Sampler) -> None:
    assert sampler.sample([]) == []


def findings(**fields: str) -> list[str]:
    return [f"{f.level}: {f.message}" for f in HfSampler(HfConfig()).check(model(**fields))]


def test_check_is_content_with_the_embedded_model() -> None:
    assert findings() == []


def test_check_finds_a_missing_chat_template(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text(json.dumps({}))
    assert "chat_template: plain" in findings(path=str(folder))[0]
    assert findings(path=str(folder), chat_template="x") == []


def test_check_finds_a_model_that_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    import sparq_hf

    monkeypatch.setattr(sparq_hf, "free_memory", lambda: 1 << 20)
    assert "use a smaller model" in findings()[0]


def test_a_model_that_is_nowhere_is_found_out_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that cannot be reached is asked for seconds, not for the minute that loading would take."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(sparq.SparqError, match=r"models\.student\.model: 'some/model' is not a folder"):
        HfSampler(HfConfig()).sampler(model(path="some/model"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    began = time.monotonic()
    (told,) = findings(path="some/model")
    assert time.monotonic() - began < 10
    assert told.startswith("warning: 'some/model' is not a folder next to the pipeline, not in the cache")
    assert "hf download" in told


def test_a_plain_chat_template_serves_a_base_model() -> None:
    from sparq_core.pipeline.prepare import PLAIN_TEMPLATE

    opened = HfSampler(HfConfig()).sampler(model(chat_template=PLAIN_TEMPLATE))
    tokens = opened._tokenize([request("Hello")])[0]
    assert opened._tokenizer.decode(tokens) == "User: Hello\n\nAssistant: "
    opened.close()


def test_a_model_that_cannot_be_opened_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(sparq.SparqError, match=r"models\.student\.model: '.*' cannot be opened"):
        HfSampler(HfConfig()).sampler(model(path=str(tmp_path)))
