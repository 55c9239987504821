"""`sparq view`: a run, or two beside each other, as pages in a browser, also while it goes on."""

import os
import sys
import webbrowser
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe
from threading import Thread

import click

from sparq_core.contract.errors import PipelineError
from sparq_core.ledger.reader import Reader

MOST_RUNS = 2


@click.command()
@click.argument("runs", metavar="RUN [RUN]", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on [default: any free port].")
@click.option("--no-browser", is_flag=True, help="Do not open a browser; only print the address.")
def view(runs: tuple[Path, ...], port: int, no_browser: bool) -> None:
    """
    Show the run folder RUN in a browser: its figures, and every problem with its attempts. Two runs are compared.

    The pages follow a live run. They are served to this machine only, at an address with a token that is new at each start, and
    they change nothing. Press Ctrl-C to stop the viewer.
    """
    if len(runs) > MOST_RUNS:
        raise click.UsageError(f"{len(runs)} runs do not fit on one page; give at most {MOST_RUNS}")
    missing = [name for name in ("starlette", "uvicorn") if not find_spec(name)]
    if missing:
        raise PipelineError(f"sparq view needs {' and '.join(missing)}: pip install 'sparq-engine[view]'")
    for run in runs:
        Reader.open(run).close()
    _serve(runs, port, no_browser)


def _serve(runs: tuple[Path, ...], port: int, no_browser: bool) -> None:
    from sparq_core.view import app, server

    token = token_urlsafe(24)
    with server.listening(port) as at:
        address = f"http://{server.HOST}:{at.getsockname()[1]}/?token={token}"
        server.serve(app.make(runs, token, partial(_tell, address, no_browser)), at)


def _tell(address: str, no_browser: bool) -> None:
    """Where the viewer is, once it answers and a signal ends it well."""
    click.echo(f"{address}\nPress Ctrl-C to stop.")
    if not no_browser and _has_screen():
        Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _has_screen() -> bool:
    """Whether a browser would have a window, not the terminal."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
