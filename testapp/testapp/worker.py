"""A worker: one job after the other, and the one that it has is finished when it is asked to end."""

import itertools
import os
import signal
import sys
import threading

SECONDS = 0.2


def main() -> None:
    """Do jobs until SIGTERM."""
    if os.environ.get("TESTAPP_WORKER_CRASH") == "1":
        sys.exit("no queue to take jobs from")
    ending, work = threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    for job in itertools.count(1):
        if ending.is_set():
            break
        print(f"job {job} begun", flush=True)
        work.wait(SECONDS)
        print(f"job {job} done", flush=True)


if __name__ == "__main__":
    main()
