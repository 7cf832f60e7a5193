"""A worker: one job after the other, and the one that it has is finished when it is asked to end."""

import itertools
import os
import signal
import socket
import sys
import threading

from . import errors, services

SECONDS = 0.2


def main() -> None:
    """Do jobs until SIGTERM: those of the queue, or where the app has none such as take a moment."""
    errors.report()
    if os.environ.get("TESTAPP_WORKER_CRASH") == "1":
        sys.exit("no queue to take jobs from")
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    if "QUEUE_URL" in os.environ:
        count_words(ending)
    else:
        pass_time(ending)


def count_words(ending: threading.Event) -> None:
    """Count the words of each note in the queue, and write one line to the database for each."""
    queue, mine = services.queue(), f"{services.QUEUE}:{socket.gethostname()}"
    while queue.lmove(mine, services.QUEUE, "LEFT", "RIGHT") is not None:
        continue  # what this worker had begun when it was killed
    while not ending.is_set():
        # What is taken stays on a list of this worker's until it is done: nothing is lost with a process.
        note = queue.blmove(services.QUEUE, mine, 1, "RIGHT", "LEFT")
        if note is None:
            continue
        threading.Event().wait(float(os.environ.get("TESTAPP_JOB_SECONDS", "0")))
        with services.database() as database:
            found = database.execute("SELECT text FROM notes WHERE id = %s", [note]).fetchone()
            words = len(found[0].split()) if found else 0
            database.execute(
                "INSERT INTO counts (note, words, version, worker) VALUES (%s, %s, %s, %s)",
                [note, words, os.environ.get("DEPL_VERSION", ""), socket.gethostname()],
            )
        queue.lrem(mine, 1, note)
        print(f"note {note}: {words} words", flush=True)


def pass_time(ending: threading.Event) -> None:
    """Do jobs that only take time."""
    for job in itertools.count(1):
        if ending.is_set():
            break
        print(f"job {job} begun", flush=True)
        threading.Event().wait(SECONDS)
        print(f"job {job} done", flush=True)


if __name__ == "__main__":
    main()
