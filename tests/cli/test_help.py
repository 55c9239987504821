"""`sparq help` and `sparq completion`: pages on commands and topics, and what shells complete."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from sparq_core.cli import COMMANDS, cli
from sparq_core.cli.completion import SHELLS
from sparq_core.cli.help import TOPICS
from sparq_core.hookspecs import HOOKS


def told(*arguments: str) -> str:
    done = CliRunner().invoke(cli, list(arguments), prog_name="sparq", catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_of_a_command_is_its_help(command: str) -> None:
    assert told("help", command) == told(command, "--help")


def test_topics_are_listed_and_each_has_a_page() -> None:
    listed = told("help")
    for topic in TOPICS:
        assert f"  {topic} " in listed
        assert told("help", topic).strip()
    assert "CREATE TABLE problem" in told("help", "ledger")
    assert "attempts" in told("help", "pipeline")
    assert all(hook in told("help", "hooks") for hook in HOOKS)
    assert "130  second Ctrl-C" in told("help", "exit-codes")


def test_a_hook_is_a_topic() -> None:
    assert told("help", "verify").startswith("verify(trials)\n\nJudge whether each attempt's final answer is correct.")


def test_a_topic_that_is_none_is_one_clear_error() -> None:
    done = CliRunner().invoke(cli, ["help", "nothing\x1b"])
    assert "there is no topic nothing" in str(done.exception)
    assert "\x1b" not in str(done.exception)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_a_script_that_asks_sparq(shell: str) -> None:
    script = told("completion", shell)
    assert f"_SPARQ_COMPLETE={shell}_complete" in script
    assert "sparq" in script


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("sparq sh", "plain,show"),
        ("sparq plugins static-u", "plain,static-uniform"),
        ("sparq help exi", "plain,exit-codes"),
        ("sparq show ru", "dir,ru"),
        ("sparq show runs/a --outc", "plain,--outcome"),
        ("sparq show runs/a --outcome ke", "plain,kept"),
    ],
)
def test_what_is_completed(words: str, completed: str) -> None:
    asked = {"_SPARQ_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['sparq']; from sparq_core.cli import main; main()"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [completed]
