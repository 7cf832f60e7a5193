"""What visitors meet: TLS, redirects, previews that are closed, and whose word is believed."""

from __future__ import annotations

import http.client
import json
import shlex
import socket
import ssl
import subprocess
import threading
from collections import Counter
from datetime import timedelta

import pytest

from tests.authority import Authority

from .conftest import APP_HOSTS, changed, inventory
from .test_websocket import WebSocket

pytestmark = pytest.mark.integration

PLACE = "/etc/depl/test-tls"
LIVE = ("app1.foo", "foo.app1.foo")
PREVIEWS = tuple(f"*.{name}" for name in LIVE)
PASSWORD = "correct horse battery"
SETTINGS = f"""
depl_tls:
  app1.foo: {{certificate: {PLACE}/live.crt, key: {PLACE}/live.key}}
  foo.app1.foo: {{certificate: {PLACE}/live.crt, key: {PLACE}/live.key}}
  "*.app1.foo": {{certificate: {PLACE}/previews.crt, key: {PLACE}/previews.key}}
  "*.foo.app1.foo": {{certificate: {PLACE}/previews.crt, key: {PLACE}/previews.key}}
depl_trusted_proxies: [PROXY]
depl_preview_allow:
  networks: [10.1.0.0/16]
  users: {{ana: {PASSWORD}}}
"""
OPEN = "depl_preview_allow:\n  networks: [0.0.0.0/0]\n"


class Edge:
    """The sandbox with TLS: who is live, and how it is asked."""

    def __init__(self, sandbox, folder, environment, version) -> None:
        self.sandbox, self.folder, self.environment, self.version = sandbox, folder, environment, version
        self.authority = Authority()
        self.ca = folder / "ca.crt"
        self.ca.write_text(self.authority.certificate)
        self.tls = ssl.create_default_context(cafile=str(self.ca))

    def lay_out(self, name, *names, **options):
        """Put a new certificate where the inventory says."""
        certificate, key = self.authority.issue(*names, **options)
        self.write(f"{name}.crt", certificate)
        self.write(f"{name}.key", key)

    def write(self, file, text):
        line = f"sudo mkdir -p {PLACE} && sudo sh -c 'umask 077; cat > {PLACE}/{file}'"
        assert self.sandbox.ssh("deploy", line, input=text).code == 0

    def inv(self, *words):
        return self.sandbox.inv(*words, environment=self.environment, timeout=900)

    def must(self, *words):
        ended = self.inv(*words)
        assert ended.code == 0, ended.text
        return ended.text

    def curl(self, url, *options, host="app1"):
        """Ask a host for a URL; returns its status, HTTP version, headers and text."""
        address, https = self.sandbox.address(host, "https_port")
        _, plain = self.sandbox.address(host)
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", str(self.ca), "--max-time", "20",
             "--connect-to", f"::{address}:{https if url.startswith('https') else plain}", "--include",
             "--write-out", "\n%{http_code} %{http_version}", *options, url],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer, _, last = done.stdout.rpartition("\n")
        head, _, body = answer.replace("\r\n", "\n").partition("\n\n")
        headers = dict(line.lower().split(": ", 1) for line in head.split("\n")[1:])
        status, version = last.split()
        return int(status), version, headers, body

    def serial(self, name="app1.foo", host="app1"):
        """Which certificate a fresh handshake shows."""
        address = self.sandbox.address(host, "https_port")
        with self.tls.wrap_socket(socket.create_connection(address, timeout=20), server_hostname=name) as secured:
            return secured.getpeercert()["serialNumber"]

    def preview(self, version, domain="app1.foo"):
        return f"https://{version.replace('.', '-')}.{domain}"


@pytest.fixture(scope="module")
def edge(sandbox, builds, tmp_path_factory):
    """One version, live on both hosts, with TLS and closed previews; afterwards all is as it was."""
    version = builds[2]
    sandbox.must("install", "--version", version)
    sandbox.must("promote", "--version", version)
    proxy = sandbox.get("app1.foo", "/seen").json()["X-Forwarded-For"]

    def edit(name, text):
        return text.replace(OPEN, SETTINGS.replace("PROXY", proxy)) if name == "all.yml" else text

    try:
        with inventory("edge", edit) as environment:
            made = Edge(sandbox, tmp_path_factory.mktemp("edge"), environment, version)
            made.lay_out("live", *LIVE)
            made.lay_out("previews", *PREVIEWS)
            made.must("bootstrap", "--only", "appserver")
            made.must("bootstrap", "--only", "balancer")
            made.installed = made.must("install", "--version", version)
            yield made
    finally:
        for playbook in ("appserver", "balancer"):
            sandbox.must("bootstrap", "--only", playbook)
        sandbox.must("install", "--version", version)
        sandbox.on_deploy(f"sudo rm -r {PLACE}")
        for host in (*APP_HOSTS, "deploy"):
            sandbox.on(host, "sudo sh -c 'rm -r /etc/depl/tls/*'")


# --- TLS ---


def test_the_live_page_comes_over_tls_with_http_2_and_tells_browsers_to_stay_there(edge):
    for host in APP_HOSTS:
        for name, greeting in (("app1.foo", "Hello from base domain"), ("foo.app1.foo", "Hello from foo")):
            status, http, headers, body = edge.curl(f"https://{name}/", host=host)
            assert (status, http, body.strip()) == (200, "2", greeting)
            assert headers["strict-transport-security"] == "max-age=31536000"
            assert headers["set-cookie"].endswith("; secure")


def test_http_leads_to_https_with_path_and_query(edge):
    status, _, headers, _ = edge.curl("http://app1.foo/a/b?c=%2f&d=e")
    assert (status, headers["location"]) == (301, "https://app1.foo/a/b?c=%2f&d=e")
    assert "strict-transport-security" not in headers
    status, _, headers, _ = edge.curl(f"http://{edge.version}.foo.app1.foo/x?y=1")
    assert (status, headers["location"]) == (301, f"{edge.preview(edge.version, 'foo.app1.foo')}/x?y=1")


def test_a_balancer_may_ask_for_the_health_page_without_tls(edge):
    assert edge.curl("http://app1.foo/healthz")[0] == 200


def test_a_balancer_ends_tls_and_the_app_sees_the_visitor_and_https(edge):
    status, http, headers, body = edge.curl("https://app1.foo/seen", host="deploy")
    assert (status, http, json.loads(body)["X-Forwarded-Proto"]) == (200, "2", "https")
    assert json.loads(body)["X-Forwarded-For"] == seen(edge, "https://app1.foo")["X-Forwarded-For"]
    assert headers["set-cookie"].endswith("; secure")
    assert headers["strict-transport-security"] == "max-age=31536000"
    status, _, headers, _ = edge.curl("http://app1.foo/a?b=c", host="deploy")
    assert (status, headers["location"]) == (301, "https://app1.foo/a?b=c")
    for address, status in (("10.1.2.3", 200), ("10.2.0.0", 401)):
        preview = edge.preview(edge.version)
        assert edge.curl(preview, "--header", f"X-Forwarded-For: {address}", host="deploy")[0] == status


def test_a_domain_without_a_certificate_stays_as_it_was(edge):
    status, _, headers, body = edge.curl("http://app1.localhost/")
    assert (status, body.strip()) == (200, "Hello from base domain")
    assert "strict-transport-security" not in headers
    assert "secure" not in headers["set-cookie"]


def test_a_name_that_belongs_to_nobody_gets_no_certificate(edge):
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized name"):
        edge.serial("elsewhere.foo")


def test_a_preview_is_covered_by_the_wildcard_under_a_name_with_dashes(edge):
    assert f"is successfully installed: {edge.preview(edge.version)}" in edge.installed
    allowed = ("--header", "X-Forwarded-For: 10.1.2.3")
    for domain, greeting in (("app1.foo", "Hello from base domain"), ("foo.app1.foo", "Hello from foo")):
        status, http, _, body = edge.curl(f"{edge.preview(edge.version, domain)}/", *allowed)
        assert (status, http, body.strip()) == (200, "2", greeting)
    assert edge.curl(f"{edge.preview('1999.01.01.00.00')}/", *allowed)[0] == 404


def test_a_key_is_read_by_root_and_nginx_alone(edge):
    for host in APP_HOSTS:
        modes = edge.sandbox.on(host, "sudo stat -L -c '%U %G %a' /etc/depl/tls/*/live/key.pem").splitlines()
        assert modes == ["root www-data 640"] * 4
        assert edge.sandbox.ssh(host, "sudo -u depl cat /etc/depl/tls/app1.foo/live/key.pem").code == 1


def test_a_websocket_over_tls_is_held_through_a_promote(edge, builds):
    edge.must("install", "--version", builds[1])
    held = WebSocket(edge.sandbox.address("app1", "https_port"), edge.tls)
    try:
        assert edge.version in held.receive()
        edge.must("promote", "--version", builds[1])
        assert "still here" in held.echo("still here")
    finally:
        held.close()
        edge.must("promote", "--version", edge.version)


# --- whose word is believed ---


def seen(edge, url, *options):
    return json.loads(edge.curl(f"{url}/seen", *options)[3])


def test_an_app_behind_tls_sees_https(edge):
    assert seen(edge, "https://app1.foo")["X-Forwarded-Proto"] == "https"
    assert seen(edge, "http://app1.localhost")["X-Forwarded-Proto"] == "http"


def test_a_trusted_balancer_that_ended_tls_is_believed(edge):
    spoken = ("--header", "X-Forwarded-Proto: https", "--header", "X-Forwarded-For: 203.0.113.9, 198.51.100.7")
    found = seen(edge, "http://app1.foo", *spoken)
    assert (found["X-Forwarded-Proto"], found["X-Forwarded-For"]) == ("https", "198.51.100.7")
    assert "strict-transport-security" in edge.curl("http://app1.foo/", *spoken)[2]


def test_anybody_else_is_not(edge):
    line = shlex.join(["curl", "-s", "-H", "X-Forwarded-For: 10.1.2.3", "-H", "X-Forwarded-Proto: https", "-H"])
    found = json.loads(edge.sandbox.on("app2", f"{line} 'Host: app1.localhost' http://app1/seen"))
    assert found["X-Forwarded-Proto"] == "http"
    assert found["X-Forwarded-For"] not in ("10.1.2.3", None)
    assert "," not in found["X-Forwarded-For"]
    closed = edge.sandbox.on(
        "app2", f"{line} 'Host: {edge.version}.app1.localhost' http://app1/ -o /dev/null -w '%{{http_code}}'"
    )
    assert closed == "401"


# --- previews that are closed ---


def test_a_closed_preview_says_how_to_open_it_and_not_what_there_is(edge):
    for version in (edge.version, "1999.01.01.00.00"):
        for url in (edge.preview(version), f"http://{version}.app1.localhost"):
            status, _, headers, body = edge.curl(f"{url}/")
            assert (status, headers["www-authenticate"]) == (401, 'basic realm="previews"')
            assert "depl_preview_allow" in body
    assert edge.curl("https://app1.foo/")[0] == 200


def test_a_preview_is_opened_by_a_network(edge):
    for address, status in (("10.1.255.255", 200), ("10.2.0.0", 401)):
        assert edge.curl(edge.preview(edge.version), "--header", f"X-Forwarded-For: {address}")[0] == status


def test_a_preview_is_opened_by_a_password_which_the_app_does_not_get(edge):
    for user, status in ((f"ana:{PASSWORD}", 200), ("ana:wrong", 401), (f"ben:{PASSWORD}", 401)):
        assert edge.curl(edge.preview(edge.version), "--user", user)[0] == status
    assert seen(edge, edge.preview(edge.version), "--user", f"ana:{PASSWORD}")["Authorization"] is None
    own = ("--header", "X-Forwarded-For: 10.1.2.3", "--header", "Authorization: Bearer of-the-app")
    assert seen(edge, edge.preview(edge.version), *own)["Authorization"] == "Bearer of-the-app"
    assert seen(edge, "https://app1.foo", "--user", f"ana:{PASSWORD}")["Authorization"].startswith("Basic ")


def test_passwords_of_previews_lie_hashed_where_nginx_alone_reads_them(edge):
    for host in APP_HOSTS:
        found = edge.sandbox.on(
            host, "sudo stat -c '%U %G %a' /etc/depl/nginx/preview.users; sudo cat /etc/depl/nginx/preview.users"
        )
        assert found.splitlines()[0] == "root www-data 640"
        assert found.splitlines()[1].startswith("ana:$6$")


# --- renewal ---


class Visitor(threading.Thread):
    """Asks over TLS until told to stop and repeats nothing: on one connection, or each time on a fresh one."""

    def __init__(self, edge, stop, *, keeps: bool) -> None:
        super().__init__()
        self.edge, self.stop, self.keeps = edge, stop, keeps
        self.serials: Counter[str] = Counter()
        self.failures: list[str] = []

    def run(self) -> None:
        connection = None
        while not self.stop.is_set():
            try:
                connection = connection or self.connect()
                connection.request("GET", "/version", headers={"Host": "app1.foo"})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failures.append(f"{answer.status} {answer.reason}")
                # nginx ends a connection after a thousand requests, and says so.
                if not self.keeps or answer.headers.get("Connection") == "close":
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection = None
        if connection:
            connection.close()

    def connect(self):
        address = self.edge.sandbox.address("app1", "https_port")
        connection = http.client.HTTPSConnection(*address, timeout=30, context=self.edge.tls)
        connection.sock = self.edge.tls.wrap_socket(
            socket.create_connection(address, timeout=30), server_hostname="app1.foo"
        )
        self.serials[connection.sock.getpeercert()["serialNumber"]] += 1
        return connection


def visited(edge, work):
    """Do some work while keep-alive and fresh visitors ask; returns the serials that they met."""
    stop = threading.Event()
    visitors = [Visitor(edge, stop, keeps=bool(n % 2)) for n in range(4)]
    for one in visitors:
        one.start()
    try:
        work()
    finally:
        stop.set()
        for one in visitors:
            one.join(60)
    assert [failure for one in visitors for failure in one.failures] == []
    assert all(one.serials for one in visitors)
    return sum((one.serials for one in visitors), Counter())


def test_a_renewed_certificate_is_picked_up_without_losing_a_request(edge):
    before = edge.serial()
    masters = "pgrep --oldest nginx; pgrep --parent $(pgrep --oldest nginx)"
    processes = edge.sandbox.on("app1", masters)

    def renew():
        edge.lay_out("live", *LIVE)
        edge.must("bootstrap", "--only", "appserver")
        assert edge.serial() != before

    met = visited(edge, renew)
    assert len(met) == 2
    assert edge.serial() != before
    assert edge.sandbox.on("app1", masters) == processes, "nginx was not reloaded"


def test_a_handshake_never_sees_a_certificate_with_the_key_of_another(edge):
    """The link goes back and forth between two pairs, far quicker than anybody renews."""
    folder = "/etc/depl/tls/app1.foo"
    edge.sandbox.on("app1", f"sudo cp -a {folder}/$(readlink {folder}/live) {folder}/other")
    for name, text in zip(("certificate", "key"), edge.authority.issue(*LIVE), strict=True):
        assert edge.sandbox.ssh("app1", f"sudo tee {folder}/other/{name}.pem >/dev/null", input=text).code == 0
    flip = f"""set -e; cd {folder}; now=$(readlink live)
        for n in $(seq 1000); do for one in other $now; do ln -sfn $one next; mv -T next live; done; done
        rm -r other"""
    met = visited(edge, lambda: edge.sandbox.on("app1", f"sudo sh -c {shlex.quote(flip)}"))
    assert len(met) == 2


def test_a_certificate_that_ends_soon_is_told_by_bootstrap_and_by_status(edge):
    edge.lay_out("previews", *PREVIEWS, lasts=timedelta(days=5, hours=12))
    assert "The certificate of *.app1.foo ends in 5 days: renew it." in edge.must("bootstrap", "--only", "appserver")
    told = "The certificate of *.app1.foo on app1, app2 ends in 5 days: renew it, then inv bootstrap."
    assert told in edge.must("status")
    assert told in json.loads(edge.must("status", "--json"))["expiring"]


def test_a_certificate_that_does_not_fit_is_refused_and_changes_nothing(edge):
    before = edge.serial()
    _, other = edge.authority.issue(*LIVE)
    edge.write("live.key", other)
    ended = edge.inv("bootstrap", "--only", "appserver")
    assert ended.code == 1
    assert "depl_tls.app1.foo.key: is not the key of the certificate there" in ended.text
    edge.lay_out("live", "another.foo")
    ended = edge.inv("bootstrap", "--only", "appserver")
    assert "depl_tls.app1.foo.certificate: doesn't cover app1.foo; it is for another.foo" in ended.text
    assert "PRIVATE KEY" not in ended.text
    assert edge.serial() == before


def test_previews_are_closed_where_nothing_is_said(edge):
    """Last, since it closes them for the tests above."""
    with inventory("closed", changed(OPEN, "")) as environment:
        edge.sandbox.must("bootstrap", "--only", "appserver", environment=environment)
        # A container may have an nginx too: a service of search has.
        serving = "pgrep --full --exact --parent $(cat /run/nginx.pid) 'nginx: worker process'"
        former = {host: edge.sandbox.on(host, serving).split() for host in APP_HOSTS}
        said = edge.sandbox.must("install", "--version", edge.version, environment=environment)
        assert "previews are closed" in said
        for host in APP_HOSTS:
            assert not set(former[host]) & set(edge.sandbox.on(host, serving).split()), "the former site still answers"
        for address in ("10.1.2.3", "127.0.0.1"):
            status, _, _, body = edge.curl(
                f"http://{edge.version}.app1.foo/",
                "--user",
                f"ana:{PASSWORD}",
                "--header",
                f"X-Forwarded-For: {address}",
            )
            assert status == 403
            assert body.startswith("Previews of app1 are closed here. Open them: depl_preview_allow in the inventory")
        assert edge.curl("http://app1.foo/")[0] == 200
        assert edge.sandbox.on("app1", "sudo cat /etc/depl/nginx/preview.users").strip() == ""
