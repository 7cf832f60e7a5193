"""TLS of the company's services: a certificate in depl_tls, and their sites follow."""

import socket
import ssl

import pytest

from ..authority import Authority
from ..integration.conftest import inventory, wait_until

pytestmark = pytest.mark.integration

PLACE = "/etc/depl/test-infra-tls"
COVERED, PLAIN = ("zabbix.infra.foo", "infra.foo"), "zabbix.infra.localhost"
SETTINGS = "\n".join(
    ["", "depl_tls:", *(f"  {name}: {{certificate: {PLACE}/site.crt, key: {PLACE}/site.key}}" for name in COVERED), ""]
)


@pytest.fixture(scope="module")
def secured(infra):
    """Services whose first names have a certificate; how to renew it, and what a handshake shows."""

    class Secured:
        def __init__(self):
            self.authority = Authority()
            self.tls = ssl.create_default_context(cadata=self.authority.certificate)

        def renew(self):
            for ending, text in zip(("crt", "key"), self.authority.issue(*COVERED), strict=True):
                line = f"sudo mkdir -p {PLACE} && sudo sh -c 'umask 077; cat > {PLACE}/site.{ending}'"
                assert infra.ssh("deploy", line, input=text).code == 0
            infra.on_deploy(f"cd /vagrant && {self.environment} conf/ansible/bootstrap services", timeout=1200)

        def ask(self, name, path="/"):
            """The serial number that a handshake shows, and the first line of what is answered."""
            address = infra.address("infra", "https_port")
            with self.tls.wrap_socket(socket.create_connection(address, 20), server_hostname=name) as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
                return connection.getpeercert()["serialNumber"], connection.makefile().readline().strip()

    made = Secured()
    try:
        with inventory("infra-tls", lambda name, text: text + SETTINGS if name == "all.yml" else text) as environment:
            made.environment = environment
            made.renew()
            yield made
    finally:
        infra.on_deploy("cd /vagrant && DEPL_ENVIRONMENT=vagrant conf/ansible/bootstrap services", timeout=1200)
        infra.on_deploy(f"sudo rm -r {PLACE}")
        infra.on("infra", "sudo sh -c 'rm -rf /etc/depl/tls/*'")


def test_a_covered_name_answers_by_tls_and_port_80_leads_there(infra, secured):
    for name in COVERED:
        assert secured.ask(name)[1] == "HTTP/1.1 200 OK", name
        answer = infra.get(name, "/some?where=1", "infra", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (301, f"https://{name}/some?where=1")


def test_a_name_without_a_certificate_stays_as_it_was(infra, secured):
    assert infra.get(PLAIN, "/", "infra", follow_redirects=False).status_code == 200
    with pytest.raises(ssl.SSLError):
        secured.ask(PLAIN)


def test_the_page_and_the_apis_address_say_https(infra, secured):
    wait_until(lambda: "https://zabbix.infra.foo" in infra.get("infra.localhost", "/", "infra").text, 90)
    ended = infra.inv("infra.apps", environment=secured.environment)
    assert "Zabbix at https://zabbix.infra.foo: " in ended.text  # by an authority that nobody here knows
    assert ended.code == 1
    assert "Traceback" not in ended.text


def test_a_renewed_certificate_is_shown_without_a_reload(infra, secured):
    workers = "pgrep --parent $(pgrep --oldest nginx)"
    before, _ = secured.ask(COVERED[0])
    processes = infra.on("infra", workers)
    secured.renew()
    wait_until(lambda: secured.ask(COVERED[0])[0] != before, 20)
    assert infra.on("infra", workers) == processes


def test_keys_are_nobodys_to_ask_for(secured):
    for name in COVERED:
        assert "BEGIN" not in secured.ask(name, "/key.pem")[1]
        assert secured.ask("infra.foo", "/key.pem")[1] == "HTTP/1.1 404 Not Found"
