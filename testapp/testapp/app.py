"""The pages: each stands for something that a deploy must not break."""

import hashlib
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

import psycopg
import ujson
from flask import Blueprint, Flask, Response, abort, current_app, request
from flask.json.provider import JSONProvider
from flask_sock import Sock  # type: ignore[import-untyped]
from simple_websocket import ConnectionClosed, Server  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException

from .board import board
from .settings import Settings

Payload = dict[str, Any]
Number = TypeVar("Number", int, float)

pages = Blueprint("pages", __name__)
sock = Sock()


def create_app(settings: Settings) -> Flask:
    """Make the WSGI app."""
    app = Flask(__name__, static_folder=None)
    app.config.update(SETTINGS=settings, MAX_CONTENT_LENGTH=16 * 1024**2)
    app.json = UltraJSON(app)
    app.register_blueprint(pages)
    app.register_blueprint(board)
    sock.init_app(app)
    app.register_error_handler(HTTPException, one_line)

    @app.after_request
    def tell_version(response: Response) -> Response:
        response.headers["X-Version"] = settings.version
        return response

    return app


class UltraJSON(JSONProvider):
    """Flask's JSON, read and written by ujson."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return ujson.dumps(obj, **kwargs)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return ujson.loads(s, **kwargs)


def one_line(error: HTTPException) -> Response:
    """Answer an error with a line for a terminal rather than a page for a browser."""
    # The exception's own response keeps the headers that belong to its status, such as Allow.
    response = error.get_response()
    response.data = f"{error.code} {error.name}: {error.description}\n"
    response.content_type = "text/plain; charset=utf-8"
    return response  # type: ignore[return-value]


@pages.get("/")
def hello() -> str:
    """Greet by host name: foo.<base domain> is one site, all the rest is the other."""
    place = "foo" if request.host.lower().startswith("foo.") else "base domain"
    return f"Hello from {place}\n"


@pages.get("/healthz")
def healthz() -> tuple[Payload, int]:
    """Say whether users may be sent here."""
    healthy = settings().healthy(now=time.time())
    return ({"status": "ok"}, 200) if healthy else ({"status": "unhealthy"}, 503)


@pages.get("/version")
def version() -> Payload:
    """Say which release answers, and which process of it."""
    me = settings()
    return {
        "version": me.version,
        "app": me.app,
        "commit": me.commit,
        "pid": os.getpid(),
        "hostname": me.hostname,
        "started": datetime.fromtimestamp(me.started, UTC).isoformat(timespec="milliseconds"),
    }


@pages.get("/slow")
def slow() -> str:
    """Take as long as the client asks: a request in flight while its release is replaced."""
    seconds = query("seconds", float, default=5.0, low=0, high=60)
    time.sleep(seconds)
    return f"Slept {seconds:g} s\n"


@pages.get("/stream")
def stream() -> Response:
    """Send a text piece by piece, without a Content-Length."""
    chunks = query("chunks", int, default=10, low=1, high=1000)
    return unbuffered((f"chunk {n} of {chunks}\n" for n in range(1, chunks + 1)), "text/plain")


@pages.get("/events")
def events() -> Response:
    """Send server-sent events, each with the version."""
    chunks = query("chunks", int, default=10, low=1, high=1000)
    event = f"data: {settings().version}\n\n"
    return unbuffered((f"id: {n}\n{event}" for n in range(1, chunks + 1)), "text/event-stream")


@sock.route("/socket")  # type: ignore[untyped-decorator]
def socket(ws: Server) -> None:
    """Greet with the version, then echo until the client leaves."""
    ws.send(settings().version)
    try:
        while True:
            ws.send(ws.receive())
    except ConnectionClosed:
        # simple-websocket tells us of the client's goodbye before its own thread has answered it; returning
        # now would let gunicorn close the connection under that answer.
        ws.thread.join(5)


@pages.route("/fail", methods=["GET", "POST"])
def fail() -> NoReturn:
    """Fail with the status that the client asks for."""
    abort(Response("Failed on demand\n", query("status", int, default=500, low=400, high=599)))


@pages.get("/raise")
def blunder() -> NoReturn:
    """Fail as code with a mistake in it does."""
    raise RuntimeError("Raised on demand")


@pages.get("/shop")
def shop() -> str:
    """Stand for an app's usual page: it fails for some users always, and is slow for some requests, as it was told."""
    me = settings()
    if drawn("fails") < me.failing_users:
        abort(500, "Failed for this user")
    if random.random() < me.slow_requests:
        time.sleep(me.slow_seconds)
    return "A shop\n"


@pages.post("/buy")
def buy() -> Response:
    """Let a share of the users buy something, and say so where goals are counted."""
    bought = drawn("buys") < settings().buyers
    return Response("Bought\n" if bought else "Not today\n", headers={"X-Depl-Goal": "bought"} if bought else {})


@pages.post("/echo")
def echo() -> Payload:
    """Prove that a body arrived whole."""
    body = request.get_data()
    try:
        ujson.loads(body)
    except ValueError as error:
        abort(400, f"the body is not JSON: {error}")
    return {"sha256": hashlib.sha256(body).hexdigest(), "length": len(body)}


@pages.get("/seen")
def seen() -> Payload:
    """Say what an app is told of whoever asks."""
    names = ("Host", "X-Forwarded-For", "X-Forwarded-Proto", "Authorization")
    return {name: request.headers.get(name) for name in names}


@pages.get("/native")
def native() -> Payload:
    """Say which builds of the libraries with C parts are in use."""
    return {
        "psycopg": {
            "version": psycopg.__version__,
            "implementation": psycopg.pq.__impl__,
            "libpq": psycopg.pq.version(),
        },
        "ujson": {"version": ujson.__version__, "file": ujson.__file__},
    }


def settings() -> Settings:
    """Return the settings of the app that serves this request."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def drawn(what: str) -> float:
    """Draw a number from 0 to 1 for the user who asks: the same each time."""
    user = next((value for name, value in request.cookies.items() if name.startswith("depl_")), "")
    return int.from_bytes(hashlib.sha256(f"{what} {user}".encode()).digest()[:8], "big") / 2**64


def query(name: str, kind: Callable[[str], Number], *, default: Number, low: int, high: int) -> Number:
    """Read a number from the query, or refuse the request."""
    text = request.args.get(name, str(default))
    try:
        value = kind(text)
    except ValueError:
        abort(400, f"{name}={text!r} is not a number")
    if not low <= value <= high:
        abort(400, f"{name}={text!r} is not between {low} and {high}")
    return value


def unbuffered(pieces: Iterable[str], mimetype: str) -> Response:
    """Send the pieces at the pace that the client asks for, past nginx's buffers."""
    interval = query("interval", float, default=0.1, low=0, high=60)

    def paced() -> Iterator[str]:
        for n, piece in enumerate(pieces):
            if n:
                time.sleep(interval)
            yield piece

    return Response(paced(), mimetype=mimetype, headers={"X-Accel-Buffering": "no"})
