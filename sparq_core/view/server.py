"""The app on a port of this machine, until it is told to stop."""

import socket
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from sparq_core.contract.errors import PipelineError

HOST = "127.0.0.1"


def listening(port: int) -> socket.socket:
    """A socket of this machine alone, on a port or, for 0, on any that is free; PipelineError where it is taken."""
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise PipelineError(
            f"--port {port}: cannot listen on it: {error.strerror}; choose another port, or omit --port"
        ) from error


def serve(app: ASGIApp, at: socket.socket) -> None:
    """Answer requests until a signal asks for an end."""
    config = uvicorn.Config(
        app, log_level="error", access_log=False, server_header=False, ws="none", timeout_graceful_shutdown=1
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[at])
