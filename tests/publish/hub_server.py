"""A stand-in for the Hub: as much of its API as the real client uses to look at a repository and to commit to it."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar, NamedTuple

TOKENS = {"hf_good": "write", "hf_reader": "read"}
"""What each may."""
LFS = (".parquet", ".safetensors")


class Repo(NamedTuple):
    """A repository."""

    private: bool
    files: dict[str, bytes]
    commits: list[str]


class Hub(BaseHTTPRequestHandler):
    """Answers as the Hub does; what it holds and was asked is in its class."""

    repos: ClassVar[dict[str, Repo]] = {}
    """By kind and name, as `datasets/me/sums`."""
    blobs: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []
    fails: ClassVar[dict[str, int]] = {}
    """A status to answer with, by a part of the path."""

    def do_GET(self) -> None:
        self._routed({
            r"/api/whoami-v2": lambda: {"name": "me", "type": "user"},
            r"/api/((?:datasets|models)/[^/]+/[^/]+)": self._info,
            r"/(datasets/)?([^/]+/[^/]+)/resolve/main/(.+)": self._resolve,
        })  # fmt: skip

    def do_POST(self) -> None:
        self._routed({
            r"/api/repos/create": self._create,
            r"/api/validate-yaml": lambda: {"errors": [], "warnings": []} if self._body() else None,
            r"/api/((?:datasets|models)/[^/]+/[^/]+)/preupload/main": self._preupload,
            r"/api/((?:datasets|models)/[^/]+/[^/]+)/commit/main": self._commit,
            r"/(?:datasets/)?[^/]+/[^/]+\.git/info/lfs/objects/batch": self._batch,
        })  # fmt: skip

    def do_PUT(self) -> None:
        data = self._body()
        Hub.blobs[hashlib.sha256(data).hexdigest()] = data
        self._answer(200, {})

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""

    def _routed(self, routes: dict[str, Any]) -> None:
        path = self.path.partition("?")[0]
        Hub.asked.append(f"{self.command} {path}")
        right = TOKENS.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        refused = next((status for part, status in Hub.fails.items() if part in path), None)
        if right is None:
            self._answer(401, {"error": f"Invalid credentials: {self.headers.get('Authorization')}"})
        elif refused:
            self._answer(refused, {"error": "as the test has it"})
        elif self.command == "POST" and right == "read":
            self._answer(403, {"error": "you may only read"})
        else:
            for pattern, answer in routes.items():
                if found := re.fullmatch(pattern, path):
                    self._said(answer(*found.groups()))
                    return
            self._answer(404, {"error": path})

    def _said(self, what: Any) -> None:
        if what is None:
            self._answer(404, {"error": "there is none"}, "RepoNotFound")
        else:
            self._answer(200, what)

    def _info(self, name: str) -> Any:
        if name not in Hub.repos:
            return None
        repo = Hub.repos[name]
        siblings = [{"rfilename": file} for file in repo.files]
        return {"id": name.partition("/")[2], "private": repo.private, "sha": repo.commits[-1], "siblings": siblings}

    def _resolve(self, datasets: str | None, name: str, file: str) -> Any:
        return Hub.repos[f"{datasets or 'models/'}{name}"].files.get(file)

    def _create(self) -> Any:
        asked = json.loads(self._body())
        owner, kind = asked.get("organization") or "me", asked.get("type", "model")
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        Hub.repos[f"{kind}s/{owner}/{asked['name']}"] = Repo(private, {".gitattributes": b""}, ["0" * 40])
        return {
            "url": f"http://{self.headers['Host']}/{'datasets/' if kind == 'dataset' else ''}{owner}/{asked['name']}"
        }

    def _preupload(self, _: str) -> Any:
        files = json.loads(self._body())["files"]
        mode = {True: "lfs", False: "regular"}
        return {
            "files": [
                {"path": f["path"], "uploadMode": mode[f["path"].endswith(LFS)], "shouldIgnore": False} for f in files
            ]
        }

    def _batch(self) -> Any:
        wanted = json.loads(self._body())["objects"]
        upload = {"href": f"http://{self.headers['Host']}/blob"}
        return {"transfer": "basic", "objects": [{**one, "actions": {"upload": upload}} for one in wanted]}

    def _commit(self, name: str) -> Any:
        repo = Hub.repos[name]
        lines = [json.loads(line) for line in self._body().splitlines()]
        parent = next(line["value"] for line in lines if line["key"] == "header").get("parentCommit")
        assert parent in (None, repo.commits[-1])
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repo.files[value["path"]] = Hub.blobs[value["oid"]]
            elif line["key"] == "deletedFile":
                del repo.files[value["path"]]
        repo.commits.append(f"{len(repo.commits):040}")
        return {
            "commitUrl": f"http://{self.headers['Host']}/{name}/commit/{repo.commits[-1]}",
            "commitOid": repo.commits[-1],
        }

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, said: Any, code: str = "") -> None:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def hub() -> Iterator[str]:
    """The address of an empty Hub."""
    for kept in (Hub.repos, Hub.blobs, Hub.asked, Hub.fails):
        kept.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
