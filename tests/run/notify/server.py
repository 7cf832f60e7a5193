"""A server on this machine that remembers what it was told, and answers as it is given."""

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Told:
    """A request: its method, path, headers in lower case, and body."""

    method: str
    path: str
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Server:
    """What it was told, in order; `answers` maps (method, path) to (status, JSON), everything else gets 200 and {}.

    An answer may have headers as a third part.
    """

    url: str = ""
    told: list = field(default_factory=list)
    answers: dict = field(default_factory=dict)
    pause: float = 0

    def answer(self, method, path):
        time.sleep(self.pause)
        found = self.answers.get((method, path.partition("?")[0]), (200, {}))
        return found(self) if callable(found) else found


@contextmanager
def listening():
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            headers = {key.lower(): value for key, value in self.headers.items()}
            server.told.append(Told(self.command, self.path, headers, self.rfile.read(length)))
            status, data, *more = server.answer(self.command, self.path)
            body = b"" if data is None else json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for key, value in (more[0] if more else {}).items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - http.server's own form

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        http.block_on_close = False
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield server
        http.shutdown()
