"""A server of real weights: it reads prompts and answers greedily by them, and answers everything else by the script."""

import shutil
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from faulty_server import FaultyServer

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
files = pytest.importorskip("safetensors.torch")
LOADING = Lock()
"""Of two models that transformers loads at once, one gets random weights."""


class ModelServer(FaultyServer):
    """One model until it is told to swap it; where it does not load, it then takes no more than the new name."""

    def __init__(self, path: str, name: str = "", *, loads: bool = True, echoes: bool = True) -> None:
        super().__init__()
        self._loads, self._echoes, self._fixed = loads, echoes, name
        self.swapped: list[dict[str, Any]] = []
        """What it was told to swap."""
        self._open(path)

    def _open(self, path: str) -> None:
        with LOADING:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(path)
            self._weights = transformers.AutoModelForCausalLM.from_pretrained(path, dtype="auto").eval()
        self.serves = [self._fixed or path]

    def _reply(self, headers: dict[str, str], body: Any) -> tuple[int, dict[str, Any] | bytes]:
        if "round" in body:
            self.swapped.append(body)
            if self._loads:
                self._open(body["model"])
            self.serves = [self._fixed or body["model"]]
            return 200, {}
        if body["model"] not in self.serves:
            return 404, {"error": {"message": f"The model {body['model']} does not exist"}}
        if "prompt" in body:
            return self._read(body["prompt"]) if self._echoes else (400, {"error": {"message": "no echo"}})
        return super()._reply(headers, body)

    def _read(self, tokens: list[int]) -> tuple[int, dict[str, Any]]:
        with torch.inference_mode():
            logits = self._weights(torch.tensor([tokens])).logits[0]
        told = torch.log_softmax(logits, -1)[range(len(tokens) - 1), tokens[1:]].tolist()
        return 200, {"choices": [{"text": "…", "logprobs": {"token_logprobs": [None, *told, -1.0]}}]}

    def _answer(self, body: Any, n: int) -> dict[str, Any]:
        if body["temperature"]:
            return super()._answer(body, n)
        ids = self._tokenizer.apply_chat_template(body["messages"], add_generation_prompt=True, return_tensors="pt")
        made = self._weights.generate(**ids, do_sample=False, max_new_tokens=body["max_tokens"], pad_token_id=0)
        text = self._tokenizer.decode(made[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
        return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}


def changed(model: Path, to: Path, by: float) -> Path:
    """A copy of a model whose weights are a little different."""
    shutil.copytree(model, to, dirs_exist_ok=True)
    weights = files.load_file(to / "model.safetensors")
    generator = torch.Generator().manual_seed(1)
    for name, weight in weights.items():
        weights[name] = weight + by * weight.std() * torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
    files.save_file(weights, to / "model.safetensors", {"format": "pt"})
    return to
