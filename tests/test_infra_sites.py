"""The sites of the company's services, as Ansible writes them: which names go by TLS, and which can't."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROLE = Path(__file__).parents[1] / "conf" / "ansible" / "roles" / "service_container"
TLS = {"errors.foo": {}, "*.infra.foo": {}}
SITES = {
    "tracker": {"domains": ["errors.foo", "errors.localhost"], "socket": "web.sock", "max_body": "99m"},
    "tickets": {"domains": ["tickets.infra.foo", "deep.tickets.infra.foo"], "port": 8080},
    "_page": {"domains": ["infra.foo", "all.infra.foo"]},
}


def written(folder, tls):
    """The sites by name, each as its servers' texts."""
    task = {
        "ansible.builtin.template": {"src": str(ROLE / "templates/site.conf"), "dest": f"{folder}/{{{{ item.key }}}}"},
        "loop": [{"key": name, "value": value} for name, value in SITES.items()],
    }
    known = {"service_container_tls": list(tls), "ansible_python_interpreter": sys.executable}
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [task], "vars": known}]
    (folder / "play.yml").write_text(json.dumps(play))
    subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local", folder / "play.yml"],
        check=True,
        capture_output=True,
    )
    return {name: re.findall(r"^server \{\n(.*?)^\}\n", (folder / name).read_text(), re.S | re.M) for name in SITES}


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    return written(tmp_path_factory.mktemp("tls"), TLS)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return written(tmp_path_factory.mktemp("plain"), {})


def servers_of(sites, site, name):
    """The servers of a site that answer to a name."""
    return [one for one in sites[site] if name in re.search(r"server_name (.*);", one)[1].split()]


def test_without_certificates_each_name_is_led_to_its_service_by_plain_http(plain):
    for site, about in SITES.items():
        (server,) = plain[site]
        assert all(servers_of(plain, site, name) == [server] for name in about["domains"])
        assert "listen 80;" in server
        assert "ssl" not in server


@pytest.mark.parametrize(
    ("site", "name", "folder"),
    [("tracker", "errors.foo", "errors.foo"), ("tickets", "tickets.infra.foo", "_.infra.foo"),
     ("_page", "all.infra.foo", "_.infra.foo")],
)  # fmt: skip
def test_a_name_with_a_certificate_is_led_to_tls_and_shown_that(secured, site, name, folder):
    first, second = servers_of(secured, site, name)
    assert "return 301 https://$host$request_uri;" in first
    assert "proxy_pass" not in first
    assert "listen 443 ssl http2;" in second
    assert f"root /etc/depl/tls/{folder}/live;" in second
    assert "listen 80;" not in second


@pytest.mark.parametrize(
    ("site", "name"), [("tracker", "errors.localhost"), ("tickets", "deep.tickets.infra.foo"), ("_page", "infra.foo")]
)
def test_a_name_that_no_certificate_covers_stays_open_without_one(secured, site, name):
    (server,) = servers_of(secured, site, name)
    assert "listen 80;" in server
    assert "443" not in server


def test_a_certificate_is_read_at_each_handshake_since_nobody_reloads_nginx(secured):
    for server in (one for of in secured.values() for one in of if "443" in one):
        assert re.findall(r"ssl_certificate(?:_key)? (\S+);", server) == [
            "$depl_infra_certificate/certificate.pem",
            "$depl_infra_certificate/key.pem",
        ]


def test_keys_can_not_be_asked_for(secured):
    """The folder of a certificate is the server's root: nothing is served from there."""
    for server in (one for of in secured.values() for one in of if "443" in one):
        served = re.findall(r"location (.*?) \{(.*?)\}", server, re.S)
        assert [where for where, _ in served if where == "/"] == ["/"]
        for where, text in served:
            assert "proxy_pass" in text or "return 404" in text or (where == "= /" and "root /var/lib/" in text)
