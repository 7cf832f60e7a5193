"""Write the page of the company's services on this host: infra_page SERVICES FOLDER.

SERVICES is a file of JSON that the bootstrap writes: of each service its name, its URL ("" for none), and the programs
in its container that tell its health and its version; of one with an installer of its own the port, the page that tells
its health, and its version. And what is on other hosts, which this one can't look at. A timer runs this each minute, as
the user who deploys; standard library only. The page says of when it is, since nothing else could tell that nobody
writes it any more.
"""

import datetime
import html
import http.client
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HOME = "/srv/depl/services"
SECONDS = 15
NO_ANSWER = f"no answer in {SECONDS} s"

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="60">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
.table {{ overflow-x: auto }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884; vertical-align: top }}
.ok {{ color: light-dark(#17692b, #6fce87) }}
.sick {{ color: light-dark(#b3261e, #ff9a92); font-weight: 600 }}
small {{ opacity: .75 }}
</style>
<h1>{title}</h1>
<p>{summary}</p>{elsewhere}
<div class="table"><table>
<tr><th>Service<th>Version<th>Health<th>Runs since (UTC)<th>Newest backup
{rows}
</table></div>
<p><small>As of {moment} UTC. Written every minute on the host of the services, and looked at again by itself: a page
that is older than a few minutes says nothing of now.</small></p>
"""
ELSEWHERE = (
    "\n<p>Not on this page, since they are on other hosts: {names}. <code>inv infra.status</code> shows them.</p>"
)
ROW = "<tr><td>{name}<td>{version}<td class={css}>{health}<td>{since}<td>{backup}"


def told(container, argv):
    """What a program in a container printed, and why it failed, "" where it did not."""
    try:
        done = subprocess.run(["docker", "exec", container, *argv], capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "", NO_ANSWER
    said = (done.stderr or done.stdout).strip().splitlines()
    return done.stdout, (said[-1] if said else f"exit status {done.returncode}") if done.returncode else ""


def about(container):
    """Docker's words on a container, nothing where there is none; and why it says nothing, "" where it does."""
    try:
        done = subprocess.run(["docker", "inspect", container], capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return {}, NO_ANSWER
    return (json.loads(done.stdout)[0], "") if done.returncode == 0 else ({}, "not there")


def answered(port, page):
    """Why a page of this host can't be had, "" where it can."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", page)
        status = connection.getresponse().status
    except TimeoutError:
        return NO_ANSWER
    except (OSError, http.client.HTTPException) as error:
        return getattr(error, "strerror", None) or type(error).__name__
    finally:
        connection.close()
    return "" if status < 400 else f"answers {status}"


def contained(service):
    """What is wrong with a service in a container of depl's ("" for nothing), its version, and since when it runs."""
    container = f"service-{service['name']}"
    found, trouble = about(container)
    state, version, since = found.get("State", {}), "", ""
    if state.get("Running"):
        trouble = told(container, service["health"])[1]
        said = told(container, service["version"])[0].splitlines() if service["version"] else []
        version = said[0] if said else found["Config"]["Image"].rpartition(":")[2]
        since = state["StartedAt"][:16].replace("T", " ")
    elif state:
        trouble = f"{state['Status']}, exit status {state['ExitCode']}"
    return trouble, version, since


def row(service):
    """A service as the page shows it, and whether it is healthy."""
    if "page" in service:
        trouble, version, since = answered(service["port"], service["page"]), service["version"], ""
        saved = "its own"
    else:
        trouble, version, since = contained(service)
        saved = backup(service["name"])
    name = html.escape(service["name"])
    if service["url"]:
        name = f'<a href="{html.escape(service["url"])}">{name}</a>'
    cells = {"version": version, "health": trouble or "ok", "since": since, "backup": saved}
    css = "sick" if trouble else "ok"
    return ROW.format(name=name, css=css, **{key: html.escape(text) for key, text in cells.items()}), not trouble


def backup(name):
    try:
        there = [one for one in os.listdir(f"{HOME}/{name}/backups") if one.endswith(".gz")]
    except OSError:
        there = []
    return max(there, default="none").partition(".")[0]


def page(asked, moment):
    with ThreadPoolExecutor(8) as at_once:
        rows = list(at_once.map(row, asked["services"]))
    sick = sum(not healthy for _, healthy in rows)
    which = f"{len(rows)} services on {html.escape(asked['host'])} are"
    summary = f"{sick} of {which} not healthy." if sick else f"All {which} healthy."
    others = ", ".join(f"{one['name']} ({one['host']})" for one in asked["elsewhere"])
    return PAGE.format(
        title=html.escape(asked["title"]),
        summary=summary,
        elsewhere=ELSEWHERE.format(names=html.escape(others)) if others else "",
        rows="\n".join(text for text, _ in rows),
        moment=f"{moment:%Y-%m-%d %H:%M:%S}",
    )


def main(services, folder):
    with open(services) as file:
        asked = json.load(file)
    text = page(asked, datetime.datetime.now(datetime.UTC))
    with open(f"{folder}/index.html.new", "w") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, f"{folder}/index.html")


if __name__ == "__main__":
    main(*sys.argv[1:])
