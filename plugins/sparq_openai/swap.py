"""Servers made to serve the weights of a run: proved, swapped where they serve others, and proved again."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import sparq_core as sparq
from sparq_openai.proof import Proof
from sparq_openai.weights import Weights

if TYPE_CHECKING:
    from sparq_openai import OpenAIConfig


def serve_weights(weights: Weights, config: "OpenAIConfig") -> Proof:
    """
    Have all servers serve the weights; SparqError where a command fails or a server is shown to serve others.

    What showed it can be asked again of a server that was away.
    """
    proof = Proof(weights, config)
    wrong = proof.wrong(config.urls, patient=False)
    if wrong:
        _swap(list(wrong), weights, config)
    for url, told in proof.wrong(list(wrong), patient=True).items():
        raise sparq.SparqError(
            f"models.{weights.model.name}: after with.reload, {url} {told}; it is to serve {weights.model.path}: mend the "
            "command, then --resume"
        )
    return proof


def _swap(urls: Sequence[str], weights: Weights, config: "OpenAIConfig") -> None:
    """Run the command for each server, all at once; once where it does not name the server."""
    commands = list(dict.fromkeys(_command(config, weights, url) for url in urls))
    log = f"reload-{weights.model.name}-{weights.round}"
    logs = [weights.logs / f"{log}-{i}.log" for i in range(len(commands))]
    with ThreadPoolExecutor(len(commands)) as pool:
        list(pool.map(lambda command, log: _run(command, weights, log), commands, logs))


def _command(config: "OpenAIConfig", weights: Weights, url: str) -> tuple[str, ...]:
    """Placeholders are replaced as they stand: other braces, of JSON for example, mean nothing."""
    given = {"{model}": weights.model.path, "{url}": url, "{round}": str(weights.round)}
    words = []
    for word in config.reload or ():
        for placeholder, value in given.items():
            word = word.replace(placeholder, value)  # noqa: PLW2901 -- one after the other
        words.append(word)
    return tuple(words)


def _run(command: tuple[str, ...], weights: Weights, log: Path) -> None:
    try:
        sparq.run_worker("sparq_openai.command", {"command": command}, log, weights.base)
    except sparq.SparqError as error:
        raise sparq.SparqError(f"models.{weights.model.name}.with.reload: {command[0]}: {error}") from None
