"""The sampler over `generate`. Imports torch and transformers: only to be imported when a model is opened."""

import gc
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LogitsProcessor,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)
from transformers.utils import logging

import sparq_core as sparq
from sparq_hf.checks import is_whole

if TYPE_CHECKING:
    from sparq_hf import HfConfig

Row = tuple[int, int, list[int], int]
"""Which request, which of its samples, the prompt's tokens and the sample's seed."""


class DrawFromSeeds(LogitsProcessor):  # type: ignore[misc] # transformers is untyped
    """
    Makes greedy search draw: each row takes its token by its own uniform number of the step, from its own seed.

    `generate` draws from torch's global generator, so that what a row gets would depend on its neighbours.
    """

    def __init__(self, seeds: Sequence[int], steps: int, prompt_length: int) -> None:
        draws = [np.random.Generator(np.random.Philox(seed)).random(steps) for seed in seeds]
        self._uniforms = torch.from_numpy(np.stack(draws))
        self._prompt_length = prompt_length

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        step = input_ids.shape[1] - self._prompt_length
        cumulative = torch.softmax(scores.double(), dim=-1).cumsum(dim=-1)
        uniforms = self._uniforms[:, step : step + 1].to(scores.device)
        drawn = torch.searchsorted(cumulative, uniforms * cumulative[:, -1:], right=True)
        drawn = drawn.clamp(max=scores.shape[-1] - 1)
        return torch.full_like(scores, float("-inf")).scatter(1, drawn, 0.0)


class LeaveOut(LogitsProcessor):  # type: ignore[misc] # transformers is untyped
    """Keeps each row from its own tokens; a tokenizer's vocabulary may be smaller than the model's."""

    def __init__(self, left_out: Sequence[Sequence[int]]) -> None:
        self._left_out = [torch.tensor(tokens, dtype=torch.long) for tokens in left_out]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002 -- as transformers calls it
        scores = scores.clone()
        for row, tokens in zip(scores, self._left_out, strict=True):
            row[tokens.to(scores.device)] = float("-inf")
        return scores


class TransformersSampler:
    """One open model; calls are served one after the other."""

    def __init__(self, model: sparq.Model, config: "HfConfig") -> None:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self.digest = model.digest
        self._lock = threading.Lock()
        self._batch_size = config.batch_size
        self._device = config.device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.deterministic = self._device == "cpu"
        dtype = "float32" if config.dtype == "auto" and self._device == "cpu" else config.dtype
        trust = {"trust_remote_code": config.trust_remote_code}
        here = is_whole(model.path)
        if not here and (wrong := [f.message for f in sparq.hub_findings(model) if f.level == "error"]):
            raise sparq.SparqError(f"models.{model.name}.model: {wrong[0]}")
        try:
            how = {"local_files_only": here, **trust}
            self._tokenizer: Any = AutoTokenizer.from_pretrained(model.path, padding_side="left", **how)
            self._model: Any = AutoModelForCausalLM.from_pretrained(model.path, dtype=dtype, **how)
        except (OSError, ValueError) as error:
            raise sparq.SparqError(f"models.{model.name}.model: '{model.path}' cannot be opened: {error}") from error
        self._model.to(self._device).eval()
        if model.chat_template:
            self._tokenizer.chat_template = model.chat_template
        if self._tokenizer.chat_template is None:
            raise sparq.PipelineError(
                f"models.{model.name}: the model has no chat template; set `chat_template: plain`"
            )
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._ends = self._end_tokens()
        self._longest = getattr(self._model.config, "max_position_embeddings", None) or 2**31

    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        """Completions of all requests; those with equal settings are sampled together, shortest prompts first."""
        answers: list[list[sparq.Completion | None]] = [[None] * request.n for request in requests]
        with self._lock:
            prompts = self._tokenize(requests)
            for sampling in dict.fromkeys(_settings(request) for request in requests):
                rows = [
                    (i, j, prompts[i], request.seed + j)
                    for i, request in enumerate(requests)
                    if _settings(request) == sampling
                    for j in range(request.n)
                ]
                for row, completion in self._sample(sorted(rows, key=lambda row: (len(row[2]), row[:2])), sampling):
                    answers[row[0]][row[1]] = completion
        return [[completion for completion in samples if completion] for samples in answers]

    def close(self) -> None:
        """Free the model's memory."""
        with self._lock:
            self._model = self._tokenizer = None
            gc.collect()
            if self._device.startswith("cuda"):
                torch.cuda.empty_cache()

    def _tokenize(self, requests: Sequence[sparq.Request]) -> list[list[int]]:
        texts = [
            self._tokenizer.apply_chat_template(
                [{"role": m.role, "content": m.content} for m in request.messages],
                add_generation_prompt=True,
                tokenize=False,
            )
            for request in requests
        ]
        return [list(ids) for ids in self._tokenizer(texts, add_special_tokens=False)["input_ids"]] if texts else []

    def _sample(self, rows: list[Row], sampling: "Settings") -> Iterator[tuple[Row, sparq.Completion]]:
        room = self._longest - sampling[2]
        for row in rows:
            if len(row[2]) > room:
                yield row, sparq.Completion(text="", finish="too-long", tokens=0)
        fitting = [row for row in rows if len(row[2]) <= room]
        for start in range(0, len(fitting), self._batch_size):
            batch = fitting[start : start + self._batch_size]
            for row, tokens in zip(batch, self._generate(batch, sampling), strict=True):
                yield row, self._completion(row, tokens, sampling)

    def _generate(self, batch: list[Row], sampling: "Settings") -> list[list[int]]:
        temperature, top_p, max_tokens, stop, dropout = sampling
        inputs = self._tokenizer.pad({"input_ids": [row[2] for row in batch]}, return_tensors="pt").to(self._device)
        width = inputs["input_ids"].shape[1]
        draw = LogitsProcessorList()
        if dropout:
            draw.append(LeaveOut([self._vocabulary.left_out(row[3], dropout, stop) for row in batch]))
        if temperature > 0:
            draw.append(TemperatureLogitsWarper(float(temperature)))
            if top_p < 1:
                draw.append(TopPLogitsWarper(top_p))
            draw.append(DrawFromSeeds([row[3] for row in batch], max_tokens, width))
        with torch.inference_mode():
            output = self._model.generate(
                **inputs,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                max_new_tokens=max_tokens,
                logits_processor=draw,
                pad_token_id=self._tokenizer.pad_token_id,
                eos_token_id=self._ends,
                **({"stop_strings": list(stop), "tokenizer": self._tokenizer} if stop else {}),
            )
        return [list(tokens) for tokens in output[:, width:].tolist()]

    def _completion(self, row: Row, tokens: list[int], sampling: "Settings") -> sparq.Completion:
        """What was sampled, without the end token, what follows it, and the stop string."""
        _, _, max_tokens, stop, _ = sampling
        end = next((i for i, token in enumerate(tokens) if token in self._ends), None)
        text = self._tokenizer.decode(tokens[:end], skip_special_tokens=True)
        cuts = [at for at in (text.find(string) for string in stop) if at >= 0]
        if cuts:
            text = text[: min(cuts)]
        ended = end is not None or bool(cuts)
        used = max_tokens if end is None and not cuts else self._length(tokens, end)
        paid = 0 if row[1] else len(row[2])
        return sparq.Completion(text=text, finish="stop" if ended else "length", tokens=used, prompt_tokens=paid)

    def _length(self, tokens: list[int], end: int | None) -> int:
        """Tokens sampled: with the end token, or up to the padding that follows a stop string."""
        if end is not None:
            return end + 1
        padding = self._tokenizer.pad_token_id
        return len(tokens) - next((i for i, token in enumerate(reversed(tokens)) if token != padding), 0)

    @cached_property
    def _vocabulary(self) -> sparq.Vocabulary:
        return sparq.Vocabulary(self._tokenizer, self._ends)

    def _end_tokens(self) -> list[int]:
        ends = self._model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        return sorted({token for token in [*ends, self._tokenizer.eos_token_id] if token is not None})


Settings = tuple[float, float, int, tuple[str, ...], float]


def _settings(request: sparq.Request) -> Settings:
    sampling = request.sampling
    return sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.stop, sampling.dropout
