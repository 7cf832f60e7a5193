"""The program that writes the page of all services, over a docker that says what it is told to."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "templates" / "host" / "infra_page.py"
DOCKER = """#!/usr/bin/env python3
import json, sys, time
known = json.load(open({known!r}))
verb, name, *program = sys.argv[1:]
about = known.get(name)
if about and about.get("hangs") == verb:
    time.sleep(60)
if verb == "inspect":
    print(json.dumps([about["inspect"]])) if about else sys.exit(1)
else:
    code, said = about[program[0]]
    print(said)
    sys.exit(code)
"""


def running(health=(0, ""), version=(0, "zabbix 6.0")):
    state = {"Running": True, "StartedAt": "2026-11-22T12:05:00.123Z", "Status": "running", "ExitCode": 0}
    image = {"Image": "deploy:5000/services/zabbix:2026.11.22.12.05-abc"}
    return {"inspect": {"State": state, "Config": image}, "health": health, "version": version}


@pytest.fixture
def page(tmp_path):
    def write(containers, *services, elsewhere=(), seconds=15):
        (tmp_path / "known.json").write_text(json.dumps(containers))
        (tmp_path / "docker").write_text(DOCKER.format(known=str(tmp_path / "known.json")))
        (tmp_path / "docker").chmod(0o755)
        asked = {"title": "Services of <infra.foo>", "host": "infra", "services": services or [asked_for()]}
        asked["elsewhere"] = [{"name": name, "host": host} for name, host in elsewhere]
        (tmp_path / "services.json").write_text(json.dumps(asked))
        program = tmp_path / "infra_page.py"
        program.write_text(PROGRAM.read_text().replace("\nSECONDS = 15\n", f"\nSECONDS = {seconds}\n"))
        argv = [sys.executable, "-I", str(program), str(tmp_path / "services.json"), str(tmp_path)]
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(argv, check=True, env={**os.environ, "PATH": path})
        return (tmp_path / "index.html").read_text()

    return write


def asked_for(name="zabbix", url="http://zabbix.infra.foo", version=("version",)):
    return {"name": name, "url": url, "health": ["health"], "version": list(version)}


def test_a_healthy_service_is_shown_with_its_version_and_leads_there(page):
    text = page({"service-zabbix": running()})
    assert '<a href="http://zabbix.infra.foo">zabbix</a><td>zabbix 6.0<td class=ok>ok<td>2026-11-22 12:05' in text
    assert "All 1 services on infra are healthy." in text
    assert "Not on this page" not in text


def test_a_sick_one_says_why(page):
    text = page({"service-zabbix": running(health=(1, "the server doesn't report"))})
    assert "<td class=sick>the server doesn&#x27;t report" in text
    assert "1 of 1 services on infra are not healthy." in text


def test_one_that_is_not_there_is_shown_all_the_same(page):
    assert "<td class=sick>not there" in page({})


def test_one_that_ended_says_how(page):
    there = running()
    there["inspect"]["State"] = {"Running": False, "Status": "exited", "ExitCode": 137}
    assert "exited, exit status 137" in page({"service-zabbix": there})


def test_one_that_docker_says_nothing_of_leaves_the_others_on_the_page(page):
    there = {"service-jira": running() | {"hangs": "inspect"}, "service-zabbix": running()}
    text = page(there, asked_for("jira"), asked_for(), seconds=4)
    assert "jira</a><td" in text
    assert "<td class=sick>no answer in 4 s" in text
    assert "zabbix</a><td>zabbix 6.0<td class=ok>ok" in text
    assert "1 of 2 services on infra are not healthy." in text


def test_without_a_program_for_it_the_version_is_the_images(page):
    assert "<td>2026.11.22.12.05-abc<td" in page({"service-zabbix": running()}, asked_for(version=()))


def test_what_services_say_is_text_and_no_markup(page):
    text = page({"service-zabbix": running(health=(1, "<script>alert(1)</script>"), version=(0, "<b>6"))})
    assert "<script" not in text
    assert "<b>" not in text
    assert "<infra.foo>" not in text


def test_the_page_says_of_when_it_is(page):
    assert re.search(r"As of 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", page({"service-zabbix": running()}))


def test_what_is_on_other_hosts_is_named_and_not_called_healthy(page):
    text = page({"service-zabbix": running()}, elsewhere=[("agent", "deploy"), ("jira", "<b>")])
    assert "All 1 services on infra are healthy." in text
    assert "Not on this page, since they are on other hosts: agent (deploy), jira (&lt;b&gt;)." in text


@pytest.fixture
def installed():
    """A service that is no container of depl's, and answers with the status that it is told: its entry on the page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(installed.status if self.path == "/_health/" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        entry = {"name": "sentry", "url": "http://sentry.infra.foo", "port": server.server_port, "page": "/_health/"}
        installed.status, installed.entry = 200, entry | {"version": "26.8.0"}
        yield installed
        server.shutdown()


def test_what_has_an_installer_of_its_own_is_asked_by_its_page(page, installed):
    assert "sentry</a><td>26.8.0<td class=ok>ok<td><td>its own" in page({}, installed.entry)
    installed.status = 503
    assert "<td class=sick>answers 503<td>" in page({}, installed.entry)


def test_where_nothing_listens_it_is_shown_all_the_same(page, installed):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert "<td class=sick>Connection refused" in page({}, installed.entry | {"port": port})
