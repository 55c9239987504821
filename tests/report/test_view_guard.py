"""Who gets a page of the viewer: a browser on this machine that has the token, and nobody by any other way."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from viewing import LOCAL, TOKEN, viewing

from sparq_core.view import app

POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'"


@pytest.fixture(scope="module")
def client(run_folder: Path) -> Iterator[TestClient]:
    with viewing(run_folder) as client:
        yield client


@pytest.fixture(scope="module")
def stranger(client: TestClient) -> TestClient:
    return TestClient(client.app, base_url=LOCAL)


PATHS = ["/", "/pulse", "/A/problems", "/A/problem/0.1.0", "/A/random", "/static/view.js", "/nowhere"]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_told_without_the_token(stranger: TestClient, path: str) -> None:
    for query, cookie in (
        ("", ""),
        ("?token=", ""),
        ("?token=tokem", ""),
        ("?token=%ff", ""),
        ("", "sparq-view-8765=x"),
    ):
        answer = stranger.get(path + query, headers={"Cookie": cookie} if cookie else {})
        assert answer.status_code == 403
        assert "sparq view" in answer.text
        assert "set-cookie" not in answer.headers


def test_the_token_is_kept_in_a_cookie_that_scripts_and_other_sites_do_not_get(client: TestClient) -> None:
    answer = client.get("/", params={"token": TOKEN})
    assert answer.headers["set-cookie"] == f"sparq-view-8765={TOKEN}; HttpOnly; SameSite=Strict; Path=/"
    assert "set-cookie" not in client.get("/").headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.", "", "[::1]:1"]
)
def test_another_name_for_this_machine_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 421


def test_a_forwarded_port_is_not(client: TestClient) -> None:
    for host in ("localhost:9000", "127.0.0.1:9000", "localhost", "127.0.0.1"):
        assert client.get("/pulse?token=" + TOKEN, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:8765", "http://127.0.0.1:1", ""])
def test_another_origin_is_refused(client: TestClient, origin: str) -> None:
    assert client.get("/", headers={"Origin": origin}).status_code == 403
    assert client.get("/", headers={"Origin": LOCAL}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "ODD"])
def test_there_is_nothing_but_reading(client: TestClient, method: str) -> None:
    answer = client.request(method, "/A/problems")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert client.head("/A/problems").text == ""


@pytest.mark.parametrize("path", [*PATHS, "/A/problems?outcome=none", "/?token=wrong"])
def test_every_answer_keeps_what_it_shows_inert(client: TestClient, path: str) -> None:
    headers = client.get(path, follow_redirects=False).headers
    assert headers["content-security-policy"].startswith(POLICY)
    assert "unsafe" not in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert (headers["cache-control"], headers["x-frame-options"]) == ("no-store", "DENY")


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/..%2fapp.py", "/static/app.py", "/static/"])
def test_no_other_files_are_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_new_start_has_no_use_for_an_old_token(run_folder: Path) -> None:
    with TestClient(app.make([run_folder], "another"), base_url=LOCAL) as client:
        assert client.get("/", headers={"Cookie": f"sparq-view-8765={TOKEN}"}).status_code == 403
