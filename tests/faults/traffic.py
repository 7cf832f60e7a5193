"""Live traffic on an app host: clients that keep their connections and never repeat a request.

Runs on the host itself, against its loopback, so that no network of the test stands between. Usage: traffic.py DOMAIN.
Answers each line of its input with what happened since the line before, as JSON, once every client has begun and
ended a request after the line came. Ends with its input.
"""

import http.client
import json
import sys
import threading
import time

PAUSE = 0.03
BODY = json.dumps({"text": "x" * 2000})
LISTED = 40
(domain,) = sys.argv[1:]
turn = threading.Condition()
rounds = [0, 0, 0]
counted = {}


def reset():
    global counted
    counted = {"requests": 0, "versions": {}, "failures": 0, "failed": []}


def ask(connection, number, kind):
    headers = {"Host": domain, "Content-Type": "application/json"}
    if kind == "slow":
        connection.request("GET", "/slow?seconds=0.4", headers=headers)
    elif number % 2:
        connection.request("POST", "/echo", BODY, headers)
    else:
        connection.request("GET", "/version", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise OSError(f"status {answer.status}: {body[:80].decode(errors='replace').strip()}")
    return answer.headers.get("X-Version", "none")


def client(place, kind):
    connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=30)
    number = 0
    while True:
        number += 1
        version = failure = None
        try:
            version = ask(connection, number, kind)
        except (OSError, http.client.HTTPException) as error:
            failure = f"{time.strftime('%H:%M:%S')} {kind}: {error!r}"
            connection.close()
        with turn:
            rounds[place] += 1
            counted["requests"] += 1
            if version:
                counted["versions"][version] = counted["versions"].get(version, 0) + 1
            else:
                counted["failures"] += 1
                counted["failed"] = [*counted["failed"], failure][-LISTED:]
            turn.notify_all()
        time.sleep(PAUSE)


reset()
for place, kind in enumerate(("quick", "quick", "slow")):
    threading.Thread(target=client, args=(place, kind), daemon=True).start()
for _ in sys.stdin:
    with turn:
        # What was under way when the line came ends one round later, and one more has then begun and ended.
        goal = [done + 2 for done in rounds]
        turn.wait_for(lambda: all(done >= wanted for done, wanted in zip(rounds, goal)))
        print(json.dumps(counted), flush=True)
        reset()
