"""`sparq schema`: every pipeline that the engine takes fits it, and mistakes of shape do not."""

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.pipeline.catalogue import entries
from sparq_core.pipeline.file import read_mapping
from sparq_core.pipeline.schema import pipeline_schema

jsonschema = pytest.importorskip("jsonschema")
ROOT = Path(__file__).parents[2]
EXAMPLES = [
    path
    for folder in ("examples", "benchmarks", "sparq_core")
    for path in sorted((ROOT / folder).rglob("*.yaml"))
    if "plugins:" in path.read_text() and "arms:" not in path.read_text()
]
SERVER = shutil.which("yaml-language-server")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return pipeline_schema(entries())


@pytest.fixture(scope="module")
def wrong(schema: dict[str, Any]) -> Callable[[Any], list[str]]:
    """What a validator says of a pipeline."""
    validator = jsonschema.Draft202012Validator(schema)

    def errors(pipeline: Any) -> list[str]:
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(pipeline)]

    return errors


def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "\\Z" not in json.dumps(schema).replace("\\\\", "\\")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_example_fits(path: Path, wrong: Callable[[Any], list[str]]) -> None:
    assert wrong(read_mapping(path, "a pipeline", "")) == []


def test_examples_are_there() -> None:
    assert {path.name for path in EXAMPLES} >= {"quickstart.yaml", "paper.yaml", "gsm8k.yaml", "starter.yaml"}


CASES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "unknown setting": (lambda p: p.update(stepps=3), "'stepps' was unexpected"),
    "unknown setting inside": (lambda p: p["attempts"].update(kk=3), "$.attempts: Additional properties"),
    "missing setting": (lambda p: p.pop("steps"), "'steps' is a required property"),
    "wrong type": (lambda p: p.update(steps="many"), "$.steps: 'many' is not of type 'integer'"),
    "out of bounds": (lambda p: p["attempts"].update(k=0), "$.attempts.k: 0 is less than the minimum of 1"),
    "name of a folder above": (lambda p: p.update(name="../x"), "$.name: '../x' does not match"),
    "unknown plugin": (lambda p: p["plugins"].append({"use": "map-elitse"}), "'map-elitse' is not valid"),
    "unknown option": (lambda p: p["plugins"][2].update({"with": {"promt": "x"}}), "$.plugins[2].with: Additional"),
    "wrong option": (
        lambda p: p["plugins"][2].update({"with": {"max_tokens": "x"}}),
        "$.plugins[2].with.max_tokens: 'x'",
    ),
    "missing option": (lambda p: p["plugins"][0].update({"with": {}}), "'path' is a required property"),
    "an option inside": (
        lambda p: p["plugins"].append({"use": "map-elites", "with": {"niches": {"words": {"bins": "many"}}}}),
        "$.plugins[7].with.niches.words.bins: 'many'",
    ),
    "options of none": (lambda p: p["plugins"].append({"use": "event-log", "with": {"x": 1}}), "$.plugins[7].with"),
    "not a sampler": (
        lambda p: p["models"]["student"].update(use="mutate"),
        "$.models.student.use: 'mutate' is not valid",
    ),
    "option of a sampler": (
        lambda p: p["models"]["student"].update({"with": {"delay": -1}}),
        "$.models.student.with.delay: -1 is less",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_found_where_it_stands(
    case: str, sums: Callable[..., Any], wrong: Callable[[Any], list[str]]
) -> None:
    pipeline = sums()
    assert wrong(pipeline) == []
    spoil, told = CASES[case]
    spoil(pipeline := copy.deepcopy(pipeline))
    said = wrong(pipeline)
    assert any(told in line for line in said), said


def test_plugins_in_files_take_any_options(sums: Callable[..., Any], wrong: Callable[[Any], list[str]]) -> None:
    pipeline = sums()
    pipeline["plugins"] += [{"use": "./own.py:Own", "with": {"x": 1}}, {"use": "../a b/own.py:Own"}]
    assert wrong(pipeline) == []


# -- as an editor has it -----------------------------------------------------------------------------------------------


class Editor:
    """A client of a language server, as much of one as it takes."""

    def __init__(self, folder: Path) -> None:
        assert SERVER
        self._server = subprocess.Popen([SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self._asked = 0
        self.ask("initialize", processId=os.getpid(), rootUri=folder.as_uri(), capabilities={})
        self.tell("initialized")
        settings = {"yaml": {"validate": True, "completion": True, "schemaStore": {"enable": False}}}
        self.tell("workspace/didChangeConfiguration", settings=settings)

    def tell(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, **params: Any) -> Any:
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        return next(said["result"] for said in self._heard() if said.get("id") == self._asked and "method" not in said)

    def diagnostics(self, uri: str) -> list[str]:
        published = (
            said["params"] for said in self._heard() if said.get("method") == "textDocument/publishDiagnostics"
        )
        return [each["message"] for each in next(told for told in published if told["uri"] == uri)["diagnostics"]]

    def close(self) -> None:
        self._server.kill()
        self._server.communicate()

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._server.stdin
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._server.stdin.flush()

    def _heard(self) -> Iterator[dict[str, Any]]:
        out = self._server.stdout
        assert out
        while line := out.readline():
            if line.startswith(b"Content-Length: "):
                length = int(line.split()[1])
                while out.readline().strip():
                    pass
                said = json.loads(out.read(length))
                if "method" in said and "id" in said:
                    self._send(
                        {"id": said["id"], "result": [] if said["method"] == "workspace/configuration" else None}
                    )
                yield said


@pytest.fixture
def editor(tmp_path: Path, schema: dict[str, Any]) -> Iterator[Editor]:
    (tmp_path / "pipeline.schema.json").write_text(json.dumps(schema))
    editor = Editor(tmp_path)
    yield editor
    editor.close()


HEAD = "# yaml-language-server: $schema=pipeline.schema.json\n"


@pytest.mark.skipif(not SERVER, reason="needs yaml-language-server, of npm")
def test_a_yaml_language_server_checks_and_completes(editor: Editor, tmp_path: Path) -> None:
    text = (
        HEAD
        + "name: x\nsteps: 2\nmodels: {m: {use: scripted, model: sums}}\nplugins:\n  - use: sympy\n    with:\n      "
    )
    uri = (tmp_path / "pipeline.yaml").as_uri()
    editor.tell("textDocument/didOpen", textDocument={"uri": uri, "languageId": "yaml", "version": 1, "text": text})
    offered = editor.ask("textDocument/completion", textDocument={"uri": uri}, position={"line": 7, "character": 6})
    labels = {item["label"] for item in offered["items"]}
    assert {"deadline", "workers", "markers"} <= labels
    for text, told in (
        ("steps: 2\n", []),
        ("stepps: 2\n", ['Missing property "steps".', "Property stepps is not allowed."]),
    ):
        body = f"{HEAD}name: x\n{text}models: {{m: {{use: scripted, model: sums}}}}\nplugins: [{{use: sympy}}]\n"
        path = tmp_path / f"{text[:5]}.yaml"
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": body}
        editor.tell("textDocument/didOpen", textDocument=document)
        assert editor.diagnostics(path.as_uri()) == told


def test_the_command_prints_it(schema: dict[str, Any]) -> None:
    from click.testing import CliRunner

    from sparq_core.cli.schema import schema as command

    printed = CliRunner().invoke(command, catch_exceptions=False).output
    assert json.loads(printed) == schema
    assert sparq.Pipeline.__name__ in schema["$defs"]
