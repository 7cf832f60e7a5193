"""What nginx asks: a request is held until the branch answers; a browser gets a page if that takes long."""

import html
import http.server
import os
import re
import socketserver
import sys
from concurrent.futures import TimeoutError as TooLong

from .folder import FOLDER, RELEASE, ROOT
from .waking import AGAIN

PAGE_AFTER = 2
"""Seconds that a browser waits before it gets a page."""
HOLD = 150
"""Seconds that others wait at most; nginx has some more patience."""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
{again}<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }}
body {{ margin: 15vh auto; padding: 0 1rem; max-width: 42rem }}
pre {{ overflow-x: auto; font-size: .85rem }}
</style></head>
<body><h1>{title}</h1><p>{text}</p>{details}</body></html>
"""


POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 256
    daemon_threads = True

    def __init__(self, path, wakes):
        self.wakes = wakes
        if os.path.exists(path):
            os.remove(path)
        super().__init__(path, Handler)
        os.chmod(path, 0o660)

    def handle_error(self, request, client_address):
        """Who asked is gone: the wake goes on without them."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    """nginx sends no visitor's own method, headers or body here, but the address as the visitor wrote it.

    X-Depl-Release is there when the URL names a version: nothing else may answer that.
    """

    def parse_request(self):
        """Encode what the visitor did not: to Python some of these bytes are spaces, which part an address."""
        self.raw_requestline = re.sub(rb"[\x80-\xff]", lambda byte: b"%%%02X" % byte[0][0], self.raw_requestline)
        return super().parse_request()

    def do_GET(self):
        folder, release = self.headers.get("X-Depl-Branch"), self.headers.get("X-Depl-Release", "")
        ours = folder is None
        if ours:
            folder = self.path.removeprefix("/wake/")
        if not known(folder, release):
            self.answer(404, "There is no such branch.\n")
            return
        browser = not ours and is_browser(self.headers)
        future = self.server.wakes.of(folder, release)
        failure = wait_for(future, PAGE_AFTER if browser else HOLD)
        if not failure:
            # nginx has the request still, and sends it to the release.
            self.answer(200, "", [("X-Accel-Redirect", "@awake"), ("X-Depl-Release", future.result())])
            return
        why, seconds = failure
        kind, text = ("text/html", page(folder, why, seconds)) if browser else ("text/plain", plain(folder, why))
        self.answer(503, text, [("Retry-After", str(seconds)), ("Content-Security-Policy", POLICY)], kind)

    def answer(self, status, text, headers=(), kind="text/plain"):
        """An answer without a text says nothing of it: nginx would put that on what the app answers."""
        body = text.encode(errors="replace")
        about = (("Content-Type", f"{kind}; charset=utf-8"), ("Cache-Control", "no-store")) if body else ()
        self.send_response(status)
        for name, value in (("Content-Length", str(len(body))), *about, *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """nginx has its own log."""


def wait_for(future, seconds):
    """None when the branch is awake in time; else why not ("": not yet), and when to ask again."""
    try:
        future.result(seconds)
    except TooLong:
        return "", 2
    except Exception as error:  # noqa: BLE001 - whatever it is, the visitor is told
        return str(error), AGAIN
    return None


def known(folder, release):
    """Whether a branch has this name: nothing else is looked for on disk or asked of docker."""
    return bool(
        FOLDER.fullmatch(folder)
        and (not release or RELEASE.fullmatch(release))
        and os.path.exists(f"{ROOT}/{folder}/branch.json")
    )


def is_browser(headers):
    """Whether somebody looks at the answer: not a script of a page, an image, a form that was sent, or a program."""
    return (
        headers.get("X-Depl-Method") == "GET"
        and "text/html" in headers.get("Accept", "")
        and headers.get("Sec-Fetch-Mode") in (None, "", "navigate")
    )


def page(folder, why, seconds):
    """What a browser shows: it comes back by itself while the branch wakes, but never to start a broken one again."""
    label = html.escape(folder.partition("--")[2])
    if not why:
        again = f'<meta http-equiv="refresh" content="{seconds}">'
        text = "It was asleep. This page loads itself again."
        return PAGE.format(title=f"{label} is waking up", text=text, details="", again=again)
    first, _, rest = why.partition("\n\n")
    details = f"<pre>{html.escape(rest)}</pre>" if rest else ""
    return PAGE.format(title=f"{label} can't be woken", text=html.escape(first), details=details, again="")


def plain(folder, why):
    label = folder.partition("--")[2]
    return f"Branch {label} can't be woken. {why}\n" if why else f"Branch {label} is still waking up. Try again.\n"
