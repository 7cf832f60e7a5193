"""A stand-in for a product whose image can't be had here: it answers with what it was given. Runs in a container.

GET of any path: JSON of its variables, headers, user, rights, and whether its data and its database can be reached. It
fails where a database was asked for that can't be.
"""

import json
import os
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def rights() -> str:
    return next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "CapEff" in line)


def can_write(folder: str) -> bool:
    try:
        Path(folder, "stand-in").write_text("kept")
    except OSError:
        return False
    return True


def reaches(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 5).close()
    except (OSError, ValueError):
        return False
    return True


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        asked = dict(one.split("=", 1) for one in self.path.partition("?")[2].split("&") if "=" in one)
        found = {
            "environment": dict(os.environ),
            "headers": {key.lower(): value for key, value in self.headers.items()},
            "user": os.getuid(), "group": os.getgid(), "rights": rights(),
            "data": can_write(asked["data"]) if "data" in asked else None,
            "root": can_write("/opt"),
            "database": reaches(asked["database"]) if "database" in asked else None,
        }  # fmt: skip
        text = json.dumps(found).encode()
        self.send_response(503 if found["database"] is False else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ["PORT"])), Page).serve_forever()
