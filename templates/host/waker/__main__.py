"""Start: the server of visitors, and every few seconds a look at who may sleep."""

import sys
import threading
import time

from .folder import ROOT
from .idle import look
from .server import Server
from .visits import Visits
from .waking import Wakes, say

LOGS = "/var/log/nginx/depl-*--branches.log"
LOOK = 10
"""Seconds between looks."""


def watch(sleep_after):
    visits = Visits(f"{ROOT}/branches/seen.json", LOGS)
    while True:
        try:
            look(visits, sleep_after)
        except Exception as error:  # noqa: BLE001 - such as docker's answer in another form: told, and looked again
            say(f"A look at who may sleep failed: {error!r}")
        time.sleep(min(LOOK, sleep_after / 3) if sleep_after else LOOK)


def main():
    sleep_after = int(sys.argv[1])
    threading.Thread(target=watch, args=(sleep_after,), daemon=True).start()
    Server(f"{ROOT}/branches/run/waker.sock", Wakes()).serve_forever()


main()
