"""Serving a page to this machine alone, to whoever has the token of its address."""

import hmac
import secrets
import socket
import threading
import webbrowser
from pathlib import Path

import dash
import flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

HOST = "127.0.0.1"
COOKIE = "ecg-edge-token"
# The page may load and call what this server has, nothing else.
POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'"


def make_app(title: str) -> dash.Dash:
    """Make an application without elements, whose files all come from the packages that are installed."""
    return dash.Dash(
        "ecg_edge.view",
        title=title,
        update_title="",
        serve_locally=True,
        assets_folder=str(Path(__file__).parent / "assets"),
        enable_mcp=False,
        add_log_handler=False,
    )


class PageServer:
    """The server of an application, bound to 127.0.0.1.

    Args:
        app: The application.
        port: Its port; 0: a free one.

    Attributes:
        url: The page's address with the token, without which every request is refused.

    Raises:
        OSError: The port is taken.
    """

    def __init__(self, app: dash.Dash, port: int = 0):
        self._token = secrets.token_urlsafe(16)
        app.server.before_request(self._check_request)
        app.server.after_request(_restrict_page)
        # Bound here: werkzeug would end the process where the port is taken.
        self._socket = socket.create_server((HOST, port))
        self._port = self._socket.getsockname()[1]
        self._server: BaseWSGIServer = make_server(
            HOST, port, app.server, threaded=True, request_handler=_Silent, fd=self._socket.fileno()
        )
        self.url = f"http://{HOST}:{self._port}/?token={self._token}"

    def serve(self, show: bool) -> None:
        """Serve until Ctrl-C.

        Args:
            show: Open the page in this machine's browser.
        """
        if show:
            threading.Timer(0.5, webbrowser.open, [self.url]).start()
        self._server.serve_forever()

    def close(self) -> None:
        """End `serve` of another thread."""
        self._server.shutdown()
        self._socket.close()

    def _check_request(self):
        """Refuse a request under another name (a page of the network that resolves to this machine) or without the
        token, and put the token of the address into a cookie, so that it leaves the address line."""
        if flask.request.host != f"{HOST}:{self._port}":
            return flask.Response("this page has no such name", 403, mimetype="text/plain")
        given = flask.request.args.get("token")
        if given is not None and hmac.compare_digest(given.encode(), self._token.encode()):
            answer = flask.redirect("/")
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict")
            return answer
        known = flask.request.cookies.get(self._cookie, "")
        if not hmac.compare_digest(known.encode(), self._token.encode()):
            return flask.Response("open the address that ecg-edge printed: it has a token", 403, mimetype="text/plain")
        return None

    @property
    def _cookie(self) -> str:
        # Cookies know no ports: two pages at once have names of their own.
        return f"{COOKIE}-{self._port}"


def _restrict_page(answer: flask.Response) -> flask.Response:
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


class _Silent(WSGIRequestHandler):
    def log_request(self, code="-", size="-"):
        pass
