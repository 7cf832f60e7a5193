"""The company's services as Ansible tells hosts of them: names by TLS and those that can't; what is on which host."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROLES = Path(__file__).parents[1] / "conf" / "ansible" / "roles"
ROLE = ROLES / "service_container"
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


# --- what each of several hosts gets ---

INFRA = {
    "host": "infra",
    "domains": ["infra.foo"],
    "error_tracker": "sentry",
    "services": {
        "tracker": SITES["tracker"] | {"health": ["ready"]},
        "data": {"kind": "postgresql"},
        "monitor": {"recipe": "zabbix", "domains": ["zabbix.foo"], "host": "second"},
        "agent": {"recipe": "teamcity-agent", "host": "deploy"},
    },
}
HOSTS = {"infra": {}, "second": {"ansible_host": "192.0.2.2"}, "deploy": {}}


def on_hosts(folder, role, infra, template):
    """A template of a role, by host, with what the role makes of the inventory there."""
    listed = {"all": {"hosts": HOSTS, "vars": {"ansible_connection": "local", "depl_infra": infra}}}
    (folder / "hosts.yml").write_text(json.dumps(listed))
    source = str(ROLES / role / "templates" / template)
    task = {"ansible.builtin.template": {"src": source, "dest": f"{folder}/{{{{ inventory_hostname }}}}"}}
    known = {
        "vars": {"ansible_python_interpreter": sys.executable},
        "vars_files": [f"{ROLES / role}/defaults/main.yml"],
    }
    (folder / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task], **known}]))
    playbook = Path(sys.executable).with_name("ansible-playbook")
    subprocess.run([playbook, "-i", folder / "hosts.yml", folder / "play.yml"], check=True, capture_output=True)
    return {host: (folder / host).read_text() for host in HOSTS}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What the program of the page is asked to show, by host, and the sites there."""
    folder = tmp_path_factory.mktemp("shown")
    (folder / "sites.j2").write_text("{{ service_container_sites | map(attribute='key') | to_json }}")
    sites = on_hosts(folder, "service_container", INFRA, folder / "sites.j2")
    told = on_hosts(tmp_path_factory.mktemp("told"), "service_container", INFRA, "services.json")
    return {host: {"sites": json.loads(sites[host]), **json.loads(told[host])} for host in HOSTS}


def test_the_page_and_sentry_have_sites_on_their_host_alone(shown):
    assert {host: one["sites"] for host, one in shown.items()} == {
        "infra": ["tracker", "_page", "_sentry"], "second": ["monitor"], "deploy": [],
    }  # fmt: skip


def test_the_page_shows_what_its_host_has_and_names_what_others_have(shown):
    here = {host: [one["name"] for one in asked["services"]] for host, asked in shown.items()}
    assert here == {"infra": ["data", "tracker", "sentry"], "second": ["monitor"], "deploy": ["agent"]}
    assert shown["infra"]["host"] == "infra"
    assert shown["infra"]["elsewhere"] == [{"name": "agent", "host": "deploy"}, {"name": "monitor", "host": "second"}]


def test_sentry_is_asked_where_its_installer_has_it_listen(shown):
    sentry = shown["infra"]["services"][-1]
    assert (sentry["url"], sentry["port"], sentry["page"]) == ("http://sentry.infra.foo", 9000, "/_health/")


def test_without_sentry_there_is_none_on_the_page(tmp_path):
    told = on_hosts(tmp_path, "service_container", INFRA | {"error_tracker": "bugsink"}, "services.json")
    assert [one["name"] for one in json.loads(told["infra"])["services"]] == ["data", "tracker"]


def allowed(folder, infra):
    """Whom each host's agent lets in."""
    told = on_hosts(folder, "zabbix_agent", infra, "zabbix_agent2.conf")
    return {host: re.search(r"^Server=(.*)$", text, re.M)[1] for host, text in told.items()}


def test_agents_let_in_the_host_that_zabbix_is_on(tmp_path):
    assert allowed(tmp_path, INFRA) == {
        "infra": "192.0.2.2", "second": "192.0.2.2,172.17.0.0/16", "deploy": "192.0.2.2",
    }  # fmt: skip


def test_zabbix_is_where_all_are_unless_it_says_otherwise(tmp_path):
    here = INFRA | {"services": {"monitor": {"recipe": "zabbix"}}}
    assert allowed(tmp_path, here) == {"infra": "infra,172.17.0.0/16", "second": "infra", "deploy": "infra"}
