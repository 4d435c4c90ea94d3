"""The page is for this machine, and for whoever has the token."""

import http.client
import threading
from urllib.parse import urlsplit

import pytest

from ecg_edge.extras import is_installed

pytestmark = pytest.mark.skipif(not is_installed("dash"), reason="dash is not installed: pip install -e .[view]")


@pytest.fixture
def server():
    from dash import html

    from ecg_edge.view.page_server import PageServer, make_app

    app = make_app("test")
    app.layout = html.P("secret")
    server = PageServer(app)
    thread = threading.Thread(target=server.serve, args=(False,))
    thread.start()
    yield server
    server.close()
    thread.join()


def ask(server, path, headers=None):
    place = urlsplit(server.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    return answer, answer.read()


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/_dash-layout", "/assets/view.js"])
def test_without_the_token_every_request_is_refused(server, path):
    answer, body = ask(server, path)
    assert answer.status == 403 and b"secret" not in body


def test_the_token_opens_the_page_and_leaves_the_address(server):
    place = urlsplit(server.url)
    assert place.hostname == "127.0.0.1"
    answer, _ = ask(server, f"/?{place.query}")
    assert answer.status == 302 and answer.headers["Location"] == "/"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    answer, body = ask(server, "/_dash-layout", {"Cookie": cookie.split(";")[0]})
    assert answer.status == 200 and b"secret" in body
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_a_page_of_the_network_that_resolves_to_this_machine_is_refused(server):
    place = urlsplit(server.url)
    answer, _ = ask(server, f"/?{place.query}", {"Host": f"evil.example:{place.port}"})
    assert answer.status == 403


def test_two_pages_keep_their_cookies_apart(server):
    answer, _ = ask(server, f"/?{urlsplit(server.url).query}")
    assert str(urlsplit(server.url).port) in answer.headers["Set-Cookie"].split("=")[0]
