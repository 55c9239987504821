"""`sparq view` as a user starts and ends it."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from sparq_core.cli import view as view_file

SPARQ = [sys.executable, "-m", "sparq_core.cli", "view"]


@contextmanager
def viewer(*arguments: str | Path, **environment: str) -> Iterator[str]:
    """The address that a viewer prints; it ends well by Ctrl-C afterwards."""
    settings = {**os.environ, "BROWSER": "", "DISPLAY": "", "WAYLAND_DISPLAY": "", **environment}
    command = [*SPARQ, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=settings) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            _, complaints = process.communicate()
    assert (process.returncode, complaints) == (0, "")


def asked(address: str) -> int:
    """The status of the answer at an address."""
    at = urlsplit(address)
    connection = http.client.HTTPConnection(at.netloc)
    connection.request("GET", f"{at.path}?{at.query}")
    status = connection.getresponse().status
    connection.close()
    return status


def test_it_prints_where_it_is_and_ends_well_by_ctrl_c(run_folder: Path) -> None:
    with viewer(run_folder) as address:
        assert address.startswith("http://127.0.0.1:")
        assert asked(address) == 200
        assert asked(address.partition("?")[0]) == 403
        with viewer(run_folder) as other:
            assert other.rpartition("=")[2] != address.rpartition("=")[2]


def test_it_listens_to_this_machine_alone(run_folder: Path) -> None:
    with viewer(run_folder) as address:
        port = urlsplit(address).port
        assert port
        with socket.socket() as elsewhere, pytest.raises(ConnectionRefusedError):
            elsewhere.connect(("127.0.0.2", port))


def test_a_browser_is_opened_unless_it_is_not_wanted(run_folder: Path, tmp_path: Path) -> None:
    browser, told = tmp_path / "browser", tmp_path / "told"
    os.mkfifo(told)
    browser.write_text(f'#!/bin/sh\necho "$1" > {told}\n')
    browser.chmod(0o755)
    with viewer(run_folder, BROWSER=f"{browser} %s") as address:
        assert told.read_text().strip() == address
    browser.write_text(f"#!/bin/sh\ntouch {tmp_path / 'opened'}\n")
    with viewer(run_folder, "--no-browser", BROWSER=f"{browser} %s") as address:
        assert asked(address) == 200
    assert not (tmp_path / "opened").exists()


def refused(*arguments: str | Path) -> str:
    done = subprocess.run([*SPARQ, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def test_what_cannot_be_shown_is_one_error(run_folder: Path, tmp_path: Path) -> None:
    assert "there is no run here" in refused(tmp_path)
    assert "there is no run here" in refused(run_folder, tmp_path / "nowhere")
    assert "at most 2" in refused(run_folder, run_folder, run_folder)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"--port {port}: cannot listen on it: Address already in use" in refused(run_folder, "--port", str(port))
    assert list(tmp_path.iterdir()) == []


def test_without_its_libraries_it_says_what_to_install(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_file, "find_spec", lambda name: None if name == "uvicorn" else object())
    done = CliRunner().invoke(view_file.view, [str(run_folder)])
    assert str(done.exception) == "sparq view needs uvicorn: pip install 'sparq-engine[view]'"
