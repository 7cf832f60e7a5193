"""More than 10,000 hostile inputs through every gate and every renderer.

Each is refused in three lines at most that a terminal can show safely, or taken, and then it appears in
what is rendered and run only where it belongs.
"""

from __future__ import annotations

import base64
import configparser
import ipaddress
import json as encode
import re
import shlex
import unicodedata
from collections import Counter
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache, partial

import jinja2
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks import secret
from tasks.commands import docker
from tasks.errors import BadConfig, BadInput, DeplError
from tasks.model.environment import Certificate, Placement
from tasks.model.layout import tls_folder
from tasks.model.percent import Percent
from tasks.model.release import Release
from tasks.model.rotation import spread
from tasks.model.secrets import Secrets, tree
from tasks.model.service import Service
from tasks.model.version import Version
from tasks.plan import (
    backups,
    balancer,
    build,
    canary,
    certificates,
    components,
    hosts,
    install,
    migrate,
    needs,
    overview,
    promote,
    prune,
    rehearsal,
    render,
    service_facts,
    service_status,
    services,
    take_over,
    variables,
    workers,
)
from tasks.plan import facts as facts_of
from tasks.plan.balancer import Shares
from tasks.plan.wishes import Estate, Target
from tasks.run import age, apps, inventory, secrets, source
from tasks.run import settings as environments

from . import hostile
from .authority import Authority
from .plan.world import APP1, APP2, AT_WORK, ENVIRONMENT, NIGHTLY, NOW, TARGET, V1, V2, Story, installed

INPUTS = {
    "version": 2500, "percent": 1500, "folder": 1500, "app": 2500, "inventory": 2500, "facts": 2000, "label": 600,
    "holder": 200, "ref": 300, "name": 500, "certificate": 500, "balancer": 1500,
    "secrets": 1500, "edited secrets": 1500, "app with services": 1500, "services": 2000, "service facts": 1500,
}  # fmt: skip


def hostile_inputs(gate):
    return settings(max_examples=INPUTS[gate])


def test_the_inputs_are_more_than_ten_thousand():
    assert sum(INPUTS.values()) > 10_000


# --- what must hold ---


def accepted(gate, *words):
    """What a gate makes of its input; None where it refuses, which must be done well."""
    try:
        return gate(*words)
    except DeplError as error:
        text = str(error)
        assert 1 <= len(text.splitlines()) <= 3, text
        assert len(text) < 2000
        assert not [one for one in text if one != "\n" and unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
        return None


def outcome(gate):
    """What a gate gives, or the text of its refusal."""
    try:
        return gate(), ""
    except DeplError as error:
        assert accepted(gate) is None
        return None, str(error)


def check_argv(argv, sound_options, free=()):
    """Every word survives the quoting, can be given to a program, and is no option that we didn't write."""
    assert tuple(shlex.split(shlex.join(argv))) == tuple(argv)
    for word in argv:
        assert "\0" not in word
        word.encode()
    rest = argv[: len(argv) - len(free)] if free and argv[-len(free) :] == tuple(free) else argv
    assert {word for word in rest if word.startswith("-")} <= sound_options, argv


def steps_of(plan):
    return [step for phase in plan.phases for steps in phase.steps.values() for step in steps]


def check_plan(plan, command=()):
    for step in steps_of(plan):
        for argv in (step.argv, step.undo, step.evidence):
            check_argv(argv, options(), free=command if argv[:2] == ("docker", "create") else ())


@cache
def options():
    """All options that plans of a sound app have."""
    story = Story().has(*(installed(Version(f"2026.11.22.13.0{n}"), n, at=NOW - 9000 + n) for n in range(8)))
    story.went_live(Release(Version("2026.11.22.13.00"), 0))
    story.site = "another"
    stray = replace(installed(V1, 0).container, name="stray", version=V1)
    facts = replace(story.facts(), strays=(stray,))
    plans = [install.plan(TARGET, V1, [facts]), install.plan(TARGET, V1, [Story(site="").facts()])]
    plans += [prune.plan(TARGET, [facts]), promote.plan(TARGET, Version("2026.11.22.13.07"), [facts])]
    argvs = [argv for plan in plans for step in steps_of(plan) for argv in (step.argv, step.undo, step.evidence)]
    argvs += [docker.last_words("x")]
    return {word for argv in argvs for word in argv if word.startswith("-")} - {"-m"} | {"--add-host"}


# --- readers of what is rendered ---

NGINX = re.compile(
    r"""(\s+|\#[^\n]*)|("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[;{}]|(?:\$\{|[^\s;{}"'])(?:\$\{|[^\s;{])*)""", re.S
)


def directives(text):
    """nginx's configuration as directives: their depth, and their words."""
    found, words, depth, at = [], [], 0, 0
    while at < len(text):
        token = NGINX.match(text, at)
        assert token, text[at : at + 60]
        at = token.end()
        if token[2] in (";", "{"):
            found.append((depth, tuple(words)))
            words = []
            depth += token[2] == "{"
        elif token[2] == "}":
            assert not words
            depth -= 1
            assert depth >= 0
        elif token[2]:
            words.append(token[2])
    assert not words
    assert depth == 0
    return found


def named(found, name):
    return [words for _, words in found if words[0] == name]


def shape(found):
    return [(depth, words[0], len(words)) for depth, words in found]


def certified(environment, names):
    return replace(environment, tls=dict.fromkeys(names, Certificate("/a", "/b")))


@cache
def sound_shape(slots, hsts, groups, health):
    """The shape of a site whose domains share certificates like `groups` says: of each its number, and of its previews.

    0 is a domain without one.
    """
    domains = tuple(f"d{first}.g{group}.foo" for first, group, _ in groups)
    names = {f"*.g{group}.foo" for _, group, _ in groups if group}
    names |= {f"*.{domain}" for domain, (_, _, preview) in zip(domains, groups, strict=True) if preview}
    environment = certified(replace(ENVIRONMENT, slots=slots, hsts=hsts), names)
    app = replace(TARGET.app, health=health)
    return sorted(shape(directives(render.site(app, Placement(domains), environment))))


def grouped(domains, environment):
    """For each domain the place where it stands first, the number of its certificate, and whether previews have one."""
    numbers = {"": 0}
    return tuple(
        (
            domains.index(one),
            numbers.setdefault(environment.certificate_of(one), len(numbers)),
            bool(environment.certificate_of_previews(one)),
        )
        for one in domains
    )


def instructions(dockerfile):
    """A Dockerfile as instructions with their text: no comments, lines joined that end with a backslash."""
    lines = [line for line in dockerfile.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    return [tuple(line.split(None, 1)) for line in re.sub(r"\\[ \t]*\n", "", "\n".join(lines)).split("\n")]


def names(dockerfile):
    return [name for name, _ in instructions(dockerfile)]


def packages(dockerfile):
    run = next(text for name, text in instructions(dockerfile) if "apt-get install" in text)
    words = shlex.split(run)
    first = words.index("--no-install-recommends") + 1
    return set(words[first : words.index("&&", first)])


# --- the renderers, with what the gates let through ---


@cache
def check_site(name, placement, slots, hsts, http, health, tls):
    """Remembered, since most inputs don't change it. `tls` are the names that have certificates."""
    app = replace(TARGET.app, name=name, http=http, health=health)
    environment = certified(replace(ENVIRONMENT, slots=slots, hsts=hsts), tls)
    found = directives(render.site(app, Placement(placement), environment))
    assert sorted(shape(found)) == sound_shape(slots, hsts, grouped(placement, environment), health)
    words = [words for _, words in found]
    served = [one for names in named(found, "server_name") for one in names[1:] if not one.startswith('"')]
    assert sorted(served) == sorted(placement)
    assert words.count(("client_max_body_size", http.max_body)) == len(named(found, "server_name"))
    folders = {environment.certificate_of(one) for one in placement}
    folders |= {environment.certificate_of_previews(one) for one in placement}
    certificates = {f"/etc/depl/tls/{one.replace('*', '_')}/live" for one in folders if one}
    (look,) = named(found, "perl_set")
    assert re.findall(r'"([^"]*)"', look[2])[0] == f"/srv/depl/{name}/"
    roots = {words[1] for words in named(found, "root")}
    assert certificates <= roots
    assert {root.split("/")[3] for root in roots - certificates} == {name}
    if hsts:
        assert ('"https "', f'"max-age={hsts}"') in words
    assert (f'"http {health.path.partition("?")[0]}"', '""') in words
    check_balancer_site(app, Placement(placement), environment, certificates)
    check_branches_site(app, placement, environment)


def escaped(domain):
    return domain.replace(".", "\\.")


def check_branches_site(app, domains, environment):
    found = directives(render.branches(app, "board", domains, environment))
    words = [words for _, words in found]
    names = [one for found_names in named(found, "server_name") for one in found_names[1:]]
    inside = [re.search(r"\(\?<depl_branch_domain>(.*)\)\$", one)[1].split("|") for one in names]
    for half in (inside[::2], inside[1::2]):  # of versions' names, and of branches' own
        assert sorted(one for group in half for one in group) == sorted(map(escaped, domains))
    assert words.count(("client_max_body_size", app.http.max_body)) == len(names)
    assert words.count(("location", "=", app.health.path.partition("?")[0])) == len(names)
    (look,) = named(found, "perl_set")
    assert '"/srv/depl/board--$branch/"' in look[2]
    assert {words[1].partition("/releases/")[0] for words in named(found, "proxy_pass")} == {
        "http://unix:/srv/depl/board--$depl_branch", "http://unix:/srv/depl/branches/run/waker.sock",
    }  # fmt: skip


def check_balancer_site(app, placement, environment, certificates):
    found = directives(render.balancer(app, placement, environment))
    served = [one for names in named(found, "server_name") for one in names[1:] if not one.startswith('"')]
    assert sorted(served) == sorted(placement.domains)
    words = [words for _, words in found]
    assert words.count(("client_max_body_size", app.http.max_body)) == len(named(found, "server_name"))
    assert {words[1] for words in named(found, "root")} == certificates
    (look,) = named(found, "perl_set")
    assert f'"/srv/depl/{app.name}/live/$digits"' in look[2]


ROLES = environments.PROJECT / "conf" / "ansible" / "roles"
BOOTSTRAPPED = jinja2.Environment(
    loader=jinja2.FileSystemLoader([ROLES / "nginx" / "templates", ROLES / "appserver" / "templates"]),
    trim_blocks=True, undefined=jinja2.StrictUndefined, autoescape=False,
)  # fmt: skip


def check_bootstrapped(environment):
    """What the bootstrap writes for nginx from the inventory; Ansible fills these templates."""
    allowed, proxies = environment.preview_allow, environment.trusted_proxies
    values = {
        "appserver_preview": asdict(allowed), "depl_preview_allow": asdict(allowed), "nginx_believed": list(proxies),
        "depl_tls": environment.tls,
    }  # fmt: skip
    found = directives(BOOTSTRAPPED.get_template("http.conf").render(values))
    assert [words[1] for words in named(found, "set_real_ip_from")] == list(proxies)
    nothing = {"depl_preview_allow": {}, "nginx_believed": [], "depl_tls": {}}
    least = len(directives(BOOTSTRAPPED.get_template("http.conf").render(nothing)))
    testers = [words[0] for _, words in found if len(words) == 2 and words[1] == "1"]
    assert testers == ["127.0.0.1", *allowed.networks, *proxies] or testers == [
        *proxies,
        "127.0.0.1",
        *allowed.networks,
    ]
    own = len(allowed.networks) + len(allowed.users)
    assert len(found) == least + 6 * bool(proxies) + 2 * len(proxies) + own + 4 * bool(environment.tls)
    found = directives(BOOTSTRAPPED.get_template("preview.conf").render(values))
    assert [words[1] for words in named(found, "allow")] == ["127.0.0.1", *allowed.networks]
    assert [words[0] for _, words in found if words[0] != "allow"] == ["satisfy", "deny"] + (
        ["auth_basic", "auth_basic_user_file"] if allowed.users else []
    )


def check_program(layout, user):
    for light in (False, True):
        check_program_text(layout, user, render.program(layout.container(V1), user, light))


def check_program_text(layout, user, text):
    parser = configparser.RawConfigParser(strict=True, inline_comment_prefixes=(";",))
    assert "%" not in text
    parser.read_string(text)
    assert parser.sections() == [f"program:{layout.app}-{V1}-web"]
    (program,) = (parser[one] for one in parser.sections())
    assert list(program) == [
        "command", "user", "autostart", "autorestart", "startsecs", "startretries", "stdout_logfile", "stderr_logfile",
    ]  # fmt: skip
    assert program["user"] == user
    assert len(shlex.split(program["command"])) == 3


def check_variables(target):
    text = variables.text(target, V1, target.hosts[0])
    read = {}
    for line in text.encode().decode().split("\n")[:-1]:  # as docker does it
        key, _, value = line.removesuffix("\r").lstrip().partition("=")
        read[key] = value
    tracked = {"SENTRY_ENVIRONMENT": target.environment.name, "SENTRY_RELEASE": str(V1)}
    given = {**tracked, **target.app.environment, **target.placement.environment}
    assert {key: value for key, value in read.items() if not key.startswith("DEPL_")} == given
    own = {key: value for key, value in read.items() if key.startswith("DEPL_")}
    assert own == {
        "DEPL_APP": target.app.name, "DEPL_ENVIRONMENT": target.environment.name,
        "DEPL_ARM_FILE": f"/run/arms/{V1}", "DEPL_SOCKET": "/run/depl/web.sock", "DEPL_VERSION": str(V1),
    }  # fmt: skip
    assert max(map(len, text.encode().split(b"\n"))) < 65536


def check_dockerfiles(app):
    wanted = {*app.packages.build, *app.packages.run}
    made = build.builder(app.packages).dockerfile
    assert names(made) == names(build.builder(TARGET.app.packages).dockerfile)
    assert packages(made) == packages(build.builder(TARGET.app.packages).dockerfile) | wanted
    made = build.debian_base(app).dockerfile
    assert names(made) == names(build.debian_base(TARGET.app).dockerfile)
    assert packages(made) == {"ca-certificates", "python3", *app.packages.run}
    check_dependencies(app)
    check_image(app, "https://git.example.com/app1.git")
    check_argv(build.slim_base(app, 1), {"--epoch", "--stub"})
    check_argv(build.wheels(app, "r"), {"--no-cache-dir", "--wheel-dir", "--no-binary", "--requirement"})
    check_argv(build.dependencies(app), {"--requirement"})
    assert all("\n" not in value and "\0" not in value for value in build.flags(app, 1).values())


def check_dependencies(app):
    made = build.dependencies_image(app, "depl-slim:1")
    assert names(made) == ["FROM", "ADD", "ENV", "USER", "WORKDIR", "CMD"]
    assert encode.loads(dict(instructions(made))["CMD"]) == list(app.web.command)
    made.encode()


def check_image(app, origin):
    made = build.image(app, "depl-slim:1", V1, "0" * 40, "2026-11-22T12:05:00Z", origin)
    assert names(made) == ["FROM", "ADD", "ENV", "LABEL"]
    found = dict(instructions(made))
    label = re.compile(r'\s*([a-z.]+)="([^"\\$\s]*)"')
    keys = [one[1] for one in label.finditer(found["LABEL"])]
    assert label.sub("", found["LABEL"]).strip() == ""
    assert keys == [
        "depl.app",
        *(f"org.opencontainers.image.{one}" for one in ("version", "revision", "created", "source")),
    ]
    made.encode()


def check_all(target):
    app, environment = target.app, target.environment
    check_bootstrapped(environment)
    check_site(
        app.name, target.placement.domains, environment.slots, environment.hsts, app.http, app.health,
        tuple(environment.tls),
    )  # fmt: skip
    check_program(target.layout, environment.user)
    check_variables(target)
    check_dockerfiles(app)
    there = dict.fromkeys((tls_folder(name) for name in environment.tls), NOW)
    fresh = replace(Story().facts(), site=None, numbers=(), linked=None, certificates=there, addresses=found_by(target))
    check_names(needs.addresses(target, fresh), environment)
    check_plan(install.plan(target, V1, [fresh]), app.web.command)


def found_by(target):
    return dict.fromkeys(needs.remote(target), "192.0.2.7")


def check_names(told, environment):
    """What docker is told is one name and one address each."""
    assert told.keys() == environment.names.keys()
    for name, address in told.items():
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name)
        assert ipaddress.ip_address(address)


# --- the gates ---


@hostile_inputs("version")
@given(hostile.near("2026.11.22.12.05", "0001.01.01.00.00"))
def test_versions(text):
    version = accepted(Version.parse, text)
    if version:
        assert re.fullmatch(r"[0-9]{4}(\.[0-9]{2}){4}", str(version))
        assert str(version) == text


@hostile_inputs("percent")
@given(hostile.near("5", "0.5", "100", "99.9"))
def test_percentages(text):
    share = accepted(Percent.parse, text)
    if share:
        assert 0 <= share.buckets <= 1000
        assert float(text) == share.buckets / 10


@hostile_inputs("folder")
@given(hostile.near("2026.11.22.12.05@3", "2026.11.22.12.05@10", "2026.11.22.12.05@03", "2026.99.22.12.05@3"))
def test_folders_of_releases(name):
    release = Release.from_folder(name)
    if release:
        assert str(release) == name
        assert Version.parse(str(release.version)) == release.version


SOUND_APP = yaml.safe_load((environments.PROJECT / "conf" / "apps" / "app1.yml").read_text("utf-8"))
SOUND_APP |= {"environment": {"LOG_LEVEL": "info", "GREETING": "it's $HOME"}}
LEAVES = (
    "256m",
    "/healthz",
    "python3",
    "libpq5",
    "libldap-2.5.so.0",
    "requirements.txt",
    "testapp",
    "x86-64-v2",
    "-O3",
)
app_values = st.one_of(hostile.near(*LEAVES), hostile.json, st.lists(hostile.near(*LEAVES), max_size=3))


@hostile_inputs("app")
@given(hostile.near("app1", "app-1"), hostile.broken(SOUND_APP, app_values), st.booleans())
def test_descriptions_of_apps(name, data, keep_name):
    name = "app1" if keep_name else name
    app = accepted(apps.parse, name, data, f"conf/apps/{name}.yml")
    if app:
        placed = replace(ENVIRONMENT, apps={app.name: Placement(("app1.foo", "foo.app1.foo"))})
        check_all(Target(app, placed, "ana@deploy", NOW))


COMMON = {
    "depl_registry": "deploy:5000", "depl_user": "depl", "depl_known_hosts": "/etc/depl/known_hosts",
    "depl_cache": "/var/lib/depl", "depl_slots": 8, "depl_keep_running": 2, "depl_keep_installed": 4,
    "depl_keep_built": 50, "depl_drain": 60, "depl_lock_wait": 0, "depl_hsts": 300,
    "depl_trusted_proxies": ["192.0.2.7", "2001:db8::/32"],
    "depl_tls": {
        "app1.foo": {"certificate": "/etc/tls/a.crt", "key": "/etc/tls/a.key"},
        "*.app1.foo": {"certificate": "/etc/tls/b.crt", "key": "/etc/tls/b.key"},
    },
    "depl_preview_allow": {"networks": ["10.0.0.0/8"], "users": {"ana": "correct horse"}},
    "depl_names": {"errors.foo": "app2", "mail.foo": "192.0.2.9"},
    "depl_clickhouse": {"url": "https://c:8443", "table": "logs.requests", "user": "ana", "password": "correct horse"},
    "depl_apps": {"app1": {
        "domains": ["app1.foo", "foo.app1.foo"], "hosts": "appservers", "environment": {"GREETING": "{{ 7*7 }}"},
    }},
}  # fmt: skip
LISTING = {
    "_meta": {"hostvars": {"app1": {"ansible_host": "192.0.2.1", "ansible_port": 22, **COMMON}}},
    "all": {"children": ["ungrouped", "appservers"]},
    "appservers": {"hosts": ["app1", "app2"]},
}
PLACES = ("app1", "app1.foo", "192.0.2.1", "2001:db8::1", "deploy:5000", "/var/lib/depl", "depl", "info", "appservers",
          "*.app1.foo", "/etc/tls/a.crt", "10.0.0.0/8", "fe80::1%eth0;", "ana", "correct horse")  # fmt: skip


@hostile_inputs("inventory")
@given(
    hostile.near("vagrant", "Prod_1"),
    hostile.broken(LISTING, st.one_of(hostile.near(*PLACES), hostile.json)),
    st.booleans(),
)  # fmt: skip
def test_inventories(name, listing, keep_name):
    environment = accepted(inventory.parse, "vagrant" if keep_name else name, listing)
    for app in environment.apps if environment else ():
        target = Target(replace(TARGET.app, name=app), environment, "ana@deploy", NOW)
        check_all(target)
        for host in target.hosts:
            assert not host.name.startswith("-")
            assert not host.address.startswith("-")
            assert type(host.port) is int


# --- services and migrations ---

SERVED_APP = yaml.safe_load((environments.PROJECT / "conf" / "apps" / "board.yml").read_text("utf-8"))
SERVED_APP["services"] |= {"mail": {"kind": "other", "variables": {"MAIL": "x://{user}@{host}:{port}/{name}"}}}
ALL_KINDS = {
    "database": Service("postgresql", "app1", settings={"max_connections": "60"}), "queue": Service("redis", "app2"),
    "search": Service("groonga", "app1"), "mail": Service("other", "app2", image="example.com/mail:1", port=2525),
}  # fmt: skip
PASSWORDS = Secrets(services={name: {"password": "Planted-Secret"} for name in ALL_KINDS})
WISHES = ("postgresql", "url", "x://{user}:{password}@/{name}", "/notes", "DATABASE_URL", "python3", "60")


@cache
def words_of_services():
    """All options that plans of sound services have."""
    estate = Estate(replace(ENVIRONMENT, services=ALL_KINDS), {"app1": {}}, "ana@deploy", NOW, PASSWORDS)
    images = {name: f"deploy:5000/services/{name}:1" for name in ALL_KINDS}
    found = [service_facts.parse(APP1, said_of_services(), ALL_KINDS)]
    fresh = [service_facts.parse(APP1, {**said_of_services(), "services": dict.fromkeys(ALL_KINDS)}, ALL_KINDS)]
    plans = [services.up(estate, images, one) for one in (found, fresh)]
    plans.append(backups.restore(estate, "database", "1.gz", images)(found))
    argvs = [argv for plan in plans for step in steps_of(plan) for argv in (step.argv, step.undo, step.evidence)]
    return {word for argv in argvs for word in argv if word.startswith("-")} | {"--publish", "--detach", "--add-host"}


@hostile_inputs("app with services")
@given(hostile.broken(SERVED_APP, st.one_of(hostile.near(*WISHES), hostile.json)))
def test_descriptions_of_apps_with_services_and_a_migration(data):
    app = accepted(apps.parse, "app1", data, "conf/apps/app1.yml")
    if not app:
        return
    environment = replace(ENVIRONMENT, services=ALL_KINDS)
    if accepted(lambda: (needs.must_be_there(app, environment), True)) is None:
        return
    target = Target(app, environment, "ana@deploy", NOW, PASSWORDS)
    story = Story().has(installed(V1, 0), installed(V2, 1)).went_live(Release(V1, 0))
    there = [replace(story.facts(), addresses={"app2": "192.0.2.2"})]
    for host in target.hosts:
        text = variables.text(target, V1, host)
        assert len(text.split("\n")) == len(variables.merged(target, V1, host)) + 1
        assert f"DEPL_VERSION={V1}\n" in text
    if app.migrate:
        plan = migrate.plan(target, V2, there)
        for step in steps_of(plan):
            made = step.argv[:2] == ("docker", "create")
            check_argv(step.argv, options() | words_of_services(), free=app.migrate.command if made else ())
            assert "Planted" not in " ".join(step.argv)
        stage = accepted(rehearsal.stage, target, V2, there)
        if stage:
            check_argv(rehearsal.migrate(stage)[0], options() | words_of_services(), free=app.migrate.command)
            for path in app.smoke:
                check_argv(rehearsal.smoke(stage, path), set())


SERVED = {**COMMON, "depl_default_app": "app1", "depl_services": {
    "database": {
        "kind": "postgresql", "host": "app1", "image": "deploy:5000/x:1", "memory": "256m", "pids": 256, "grace": 60,
        "listen": "192.0.2.1", "port": 5433, "keep_backups": 7, "settings": {"max_connections": "60"},
        "environment": {"TZ": "UTC"},
    },
    "mail": {
        "kind": "other", "host": "app2", "image": "example.com/mail:1", "port": 25, "socket": "mail.sock",
        "command": ["run"], "user": 1001, "data": "/mail", "health": ["ok"], "backup": ["save"], "restore": ["load"],
        "stop_signal": "SIGTERM",
    },
}}  # fmt: skip
SERVED_LISTING = {**LISTING, "_meta": {"hostvars": {"app1": {"ansible_host": "192.0.2.1", **SERVED}}}}


@hostile_inputs("services")
@given(hostile.broken(SERVED_LISTING, st.one_of(hostile.near(*PLACES, "SIGTERM", "run", "/mail", "25"), hostile.json)))
def test_services_of_inventories(listing):
    environment = accepted(inventory.parse, "vagrant", listing)
    if not environment or "app1" not in environment.apps:
        return
    names = environment.services
    estate = Estate(environment, {"app1": dict.fromkeys(names)}, "ana@deploy", NOW,
                    Secrets(services={name: {"password": "Planted-Secret"} for name in names}))  # fmt: skip
    images = {name: service.image or "deploy:5000/services/x:1" for name, service in names.items()}
    sound = words_of_services()
    for host in estate.hosts:
        there = [service_facts.parse(host, {**said_of_services(), "services": dict.fromkeys(names)}, names)]
        for step in steps_of(services.up(estate, images, there)):
            own = [tail for one in names.values() for tail in (one.arguments, one.health)]
            free = max((tail for tail in own if tail and step.argv[-len(tail) :] == tail), key=len, default=())
            check_argv(step.argv, sound | {f"--owner={one.user}" for one in names.values()}, free=free)
            assert "Planted" not in " ".join(step.argv)
        for name, service in estate.on(host).items():
            given = [line.partition("=")[0] for line in services._variables(estate, name).split("\n")[:-1]]
            assert sorted(given) == sorted({*service.environment, "PASSWORD", "PORT"})


def said_of_services():
    """What templates/host/onhost.py says of services: one that runs, one that was never there, two that are sick."""
    runs = {
        "state": "running", "exit": 0, "oom": False, "image": "deploy:5000/services/postgresql:0", "config": "0" * 16,
        "memory": 50_000_000, "bytes": 10**9, "program": "RUNNING", "health": "", "data": True, "former": False,
        "apps": {"app1": "0" * 16}, "backups": {"20261122-120500.gz": 5, "20261121-120500.gz": 5},
        "restored": {"from": "20261121-120500.gz", "at": NOW - 9000},
    }  # fmt: skip
    return {
        "clock": NOW, "disk_free": 10**10, "holder": None,
        "audit": [{"at": "x", "who": "ana@deploy", "verb": "services.up", "what": "up", "outcome": "began"}],
        "services": {
            "database": runs, "queue": {"state": None, "exit": 0, "data": False},
            "search": {**runs, "state": "exited", "exit": 137, "oom": True, "former": True},
            "mail": {**runs, "health": "no route to host"},
        },
    }  # fmt: skip


@hostile_inputs("service facts")
@given(hostile.broken(said_of_services(), st.one_of(hostile.near("running", "0" * 16, "1.gz"), hostile.json)))
def test_answers_about_services(said):
    found = accepted(service_facts.parse, APP1, said, ALL_KINDS)
    if found is None:
        return
    placed = {name: replace(one, host="app1") for name, one in ALL_KINDS.items()}
    estate = Estate(
        replace(ENVIRONMENT, services=placed), {"app1": dict.fromkeys(placed)}, "ana@deploy", NOW, PASSWORDS
    )
    images = {name: f"deploy:5000/services/{name}:1" for name in placed}
    chosen = accepted(backups.choose, estate, "database", None, [found])
    for planner in (
        lambda: services.up(estate, images, [found]),
        lambda: backups.back_up(estate, "20261123-120500", None)([found]),
        lambda: backups.restore(estate, "database", chosen or "1.gz", images)([found]),
    ):
        plan = accepted(planner)
        for step in steps_of(plan) if plan else ():
            for argv in (step.argv, step.undo, step.evidence):
                check_argv(argv, words_of_services())
            paths = [word for word in step.argv if word.startswith("/srv")]
            assert all("/../" not in path and path.startswith("/srv/depl/s") for path in paths)
    for row in service_status.rows(estate, [found]):
        assert not [cell for cell in row.cells() if "\x1b" in cell or "\n" in cell]
        encode.dumps(row.as_json())
    for line in service_status.notes(estate, [found]):
        assert "\x1b" not in line
        line.encode()


@given(hostile.texts)
def test_samples_of_locks(text):
    assert all(one.seconds > 1 for one in rehearsal.locks(text, 1))


def answer():
    """What templates/host/onhost.py says of a host with a live release, a canary, a spare one and a stray."""
    releases = {"2026.11.22.12.01@0": V1, "2026.11.22.12.02@1": V2, "2026.11.22.12.09@2": Version("2026.11.22.12.09")}
    versions = [*releases.values(), Version("2026.11.22.12.08")]
    table = {"live": f"{V1}@0", "canary": f"{V2}@1", "share": 50, "previous": "2026.11.22.12.09", "at": NOW - 9000,
             "by": "ana@deploy", "runs": []}  # fmt: skip
    return {
        "clock": NOW, "disk_free": 10**10, "site": "0" * 64,
        "live": {"link": "routes/3", "table": table, "counts": {f"{V1}@0": 950, f"{V2}@1": 50}},
        "tables": {"3": table, "2": {**table, "canary": None, "share": 0}},
        "releases": {
            folder: {"description": {"version": str(version), "slot": 0, "at": NOW - 9000, "by": "ana"}, "health": 200}
            for folder, version in releases.items()
        },
        "versions": {str(version): f"../releases/{folder}" for folder, version in releases.items()},
        "slots": {folder[-1]: f"../releases/{folder}" for folder in releases},
        "containers": [
            {"name": f"app1-{version}-web", "version": str(version), "image": "x", "image_id": "x", "state": "running",
             "exit": 0, "oom": False, "started": "x", "memory": 5} for version in versions
        ] + [
            {"name": f"app1-{version}-worker.1", "version": str(version), "component": "worker", "image": "x",
             "state": "running", "exit": 0, "oom": False, "memory": 5} for version in versions
        ],
        "programs": {f"app1-{version}-{part}": "RUNNING" for version in versions for part in ("web", "worker.1")},
        "jobs": {
            "nightly": {
                "record": {"claimed": NOW - 60, "begun": NOW - 60, "ended": None, "exit": 3, "seconds": 1.5},
                "under_way": True,
            }
        },
        "audit": [{"at": "x", "who": "ana@deploy", "verb": "promote", "what": "promote", "outcome": "began"}],
        "holder": {"who": "ana@deploy", "since": "x", "verb": "promote"},
        "certificates": {"_.app1.foo": {"name": "*.app1.foo", "not_after": NOW, "serial": "7F"}},
    }  # fmt: skip


ON_DISK = ("2026.11.22.12.05", "2026.11.22.12.05@3", "routes/3", "../releases/2026.11.22.12.01@0", "running", "7")


@hostile_inputs("facts")
@given(hostile.broken(answer(), st.one_of(hostile.near(*ON_DISK), hostile.json)))
def test_answers_of_hosts(said):
    facts = accepted(facts_of.parse, APP1, TARGET.layout, said)
    if facts is None:
        return
    app = replace(AT_WORK.app, components={**AT_WORK.app.components, "nightly": NIGHTLY})
    target = replace(AT_WORK, app=app, environment=replace(ENVIRONMENT, keep_running=0, keep_installed=0))
    for planner in (
        lambda: install.plan(target, Version("2026.11.22.12.07"), [facts]),
        lambda: install.plan(target, Version("2026.11.22.12.08"), [facts]),
        lambda: promote.plan(target, V2, [facts]),
        lambda: canary.plan(target, canary.Canary(V2, Percent(70)), [facts]),
        lambda: promote.plan(target, promote.former([facts]), [facts]),
        lambda: prune.plan(target, [facts]),
        lambda: workers.up(target, [facts]),
        lambda: workers.hand_over(target, [facts]),
        lambda: take_over.leave(target, APP1, [facts]),
        lambda: take_over.take(target, APP2, ["app1"], [facts]),
    ):
        plan = accepted(planner)
        if plan:
            check_plan(plan, TARGET.app.web.command)
    pruned = [word for step in steps_of(prune.plan(target, [facts])) for word in step.argv]
    buckets = (
        said["live"]["counts"]
        if isinstance(said["live"], dict) and isinstance(said["live"].get("counts"), dict)
        else {}
    )
    for folder in (f"{V1}@0", f"{V2}@1"):
        if buckets.get(folder):
            assert TARGET.layout.release(Release.from_folder(folder)) not in pruned, "what serves must never be pruned"
    for row in overview.rows([facts]):
        assert all(isinstance(cell, str) for cell in row.cells(NOW))
        encode.dumps(row.as_json())
    ended = [step.argv[-1] for step in steps_of(workers.hand_over(target, [facts])) if step.argv[0] == "sh"]
    assert all(name.startswith("app1-") for name in ended), "supervisorctl has words of its own for all"
    encode.dumps([components.rows([facts]), components.job_rows(target, [facts])])
    for line in [
        *components.lines(target, [facts]),
        overview.summary([facts], {}),
        *overview.under_way([facts]),
        *overview.expiring([facts], ["*.app1.foo"], NOW),
    ]:
        assert "\x1b" not in line
        line.encode()


def said_by_balancer():
    """What templates/host/onhost.py says of a balancer."""
    shares = Shares(spread((), ["app1", "app2"]), {"app1": "192.0.2.1", "app2": "2001:db8::2"})
    return {
        "site": "server {}", "tables": [1, 2, 3], "addresses": dict(shares.addresses),
        "answers": {"app1": 200, "app2": 0},
        "live": {"link": "routes/3", "counts": dict(Counter(way.rpartition("/")[2] for way in shares.ways))},
        "table": {**shares.description, "at": NOW, "by": "ana@deploy"}, "certificates": {},
        "audit": [{"at": "x", "who": "ana@deploy", "verb": "drain", "what": "drain app2", "outcome": "done"}],
    }  # fmt: skip


@hostile_inputs("balancer")
@given(hostile.broken(said_by_balancer(), st.one_of(hostile.near("192.0.2.1", "routes/3", "app1"), hostile.json)))
def test_answers_of_balancers(said):
    found = accepted(balancer.parse, APP1, said)
    if found is None:
        return
    for planner in (hosts.keep, partial(hosts.drain, host=APP2), partial(hosts.add, host=APP2)):
        plan = accepted(partial(planner, TARGET, balancers=[found]))
        if plan:
            check_plan(plan)
            paths = [word for step in steps_of(plan) for word in step.argv if word.startswith("/srv")]
            assert all(re.fullmatch(r"/srv/depl/[A-Za-z0-9/._:+\[\]-]+", path) and "/../" not in path for path in paths)
    for line in overview.balance(TARGET, [found], [], {"app1": "no answer", "app2": "no answer"}):
        assert "\x1b" not in line


@pytest.mark.parametrize("text", ["", "Welcome to Debian!", "[1]", "{", "[" * 100_000, "\x1b[2J", '"{}"'])
def test_an_answer_that_is_no_json_is_refused(text):
    assert accepted(facts_of.decode, APP1, text) is None


@hostile_inputs("holder")
@given(hostile.json)
def test_whoever_holds_a_lock_is_shown_on_one_line(about):
    shown = facts_of.holder({"holder": about})
    assert not [word for pair in shown.items() for word in pair if "\n" in word or "\x1b" in word]


@hostile_inputs("label")
@given(hostile.near("https://ana:secret@git.example.com/app1.git", "git@git.example.com:app1.git"))
def test_addresses_of_sources(url):
    check_image(TARGET.app, source.without_secrets(url))


SANDBOX_KEY = age.Key(
    environments.PROJECT / "vagrant_rsa",
    age.pyrage.ssh.Identity.from_buffer((environments.PROJECT / "vagrant_rsa").read_bytes()),
)
SECRETS = {
    "apps.app1.SECRET_KEY": "Planted-Secret-1", "apps.app1.TOKEN": "Planted-Secret-2", "services.queue.password": "x",
}  # fmt: skip
PLANTED = tuple(
    f"{before}Planted-Secret-3{behind}" for before in ("", "*", "!", "&", "'", "a: ") for behind in ("", ": x")
)


@cache
def sealed():
    """A sound file's data, and its text."""
    public = (environments.PROJECT / "vagrant_rsa.pub").read_text("utf-8")
    recipient = age.recipient(public, "x")
    data = {
        "recipients": {"ana": public.strip()},
        "values": tree({place: age.seal(place, text, [recipient]) for place, text in SECRETS.items()}),
    }
    return data, yaml.safe_dump(data, width=100_000)


def damaged(at, byte):
    """The same with another byte in one of the values, as a bad merge or a bad disk leaves it."""
    data, _ = sealed()
    content = bytearray(base64.b64decode(data["values"]["services"]["queue"]["password"]))
    content[at % len(content)] = byte
    services = {"queue": {"password": base64.b64encode(content).decode()}}
    return encode.dumps({**data, "values": {**data["values"], "services": services}})


def check_secrets(found):
    """Nothing but text that an environment's file can hold, at places that mean something."""
    target = replace(TARGET, secrets=secrets.Secrets.of(found))
    read = variables.text(target, V1, target.hosts[0])
    assert read.count("\n") == len(variables.merged(target, V1, target.hosts[0]))
    assert f"DEPL_VERSION={V1}\n" in read
    assert "Planted" not in repr(target)


@hostile_inputs("secrets")
@given(st.one_of(
    hostile.near(sealed()[1]),
    st.builds(damaged, st.integers(0, 600), st.integers(0, 255)),
    hostile.broken(sealed()[0], st.one_of(hostile.near(*PLANTED), hostile.json)).map(encode.dumps),
))  # fmt: skip
def test_files_of_secrets(text):
    def gate():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(age, "keys", lambda: [SANDBOX_KEY])
            return secrets.parse(text, "conf/inventory/test/secrets.age").reveal()

    found, refusal = outcome(gate)
    if found is None:
        assert "Planted" not in refusal
    else:
        assert {place: found[place] for place in found} == {place: SECRETS[place] for place in found}
        check_secrets(found)


@hostile_inputs("edited secrets")
@given(st.one_of(
    hostile.near(secrets.as_text("test", SECRETS)),
    st.tuples(st.sampled_from(PLANTED), st.integers(0, 400)).map(
        lambda one: secrets.as_text("test", SECRETS)[: one[1]] + one[0] + secrets.as_text("test", SECRETS)[one[1] :]
    ),
    hostile.broken(tree(SECRETS), st.one_of(hostile.near(*PLANTED), hostile.json)).map(encode.dumps),
))  # fmt: skip
def test_secrets_that_come_back_from_an_editor(text):
    found, refusal = outcome(lambda: secret._checked("secrets of test", {}, text))
    if found is None:
        assert "Planted" not in refusal
    else:
        check_secrets(found)


@hostile_inputs("ref")
@given(hostile.near("HEAD", "main").filter(lambda ref: not set(ref) & {"\0", "\ud800"}))
def test_refs(ref):
    """Without what no program can be given."""
    commit = accepted(source._resolve, environments.PROJECT, ref)
    assert commit is None or re.fullmatch("[0-9a-f]{40,64}", commit)


@hostile_inputs("name")
@given(hostile.near("app1"))
def test_names_of_apps_on_the_command_line(name):
    assert accepted(apps.choose, name, TARGET.environment) in (None, "app1")


CERTIFICATE, KEY = Authority().issue("app1.foo")


@hostile_inputs("certificate")
@given(hostile.near(CERTIFICATE, KEY), hostile.near(KEY, CERTIFICATE))
def test_certificates(certificate, key):
    found = accepted(certificates.check, "app1.foo", certificate, key, datetime.now(UTC))
    if found:
        assert (found.folder, found.warning) == ("app1.foo", "")
        assert re.fullmatch(r"[0-9a-f]{16}", found.digest)


def test_every_template_is_filled_by_a_check_above():
    """A new one has to be looked at too."""
    bootstrapped = [
        file for role in ("access", "appserver", "nginx") for file in (ROLES / role / "templates").iterdir()
    ]
    there = {file.name for file in [*render.TEMPLATES.rglob("*.j2"), *bootstrapped]}
    assert there == {
        "app.Dockerfile.j2", "base.Dockerfile.j2", "builder.Dockerfile.j2", "dependencies.Dockerfile.j2",
        "site.conf.j2", "balancer.conf.j2", "branches.conf.j2",  # check_site, _balancer_site, _branches_site
        "component.conf.j2",  # check_program
        "http.conf", "preview.conf",  # check_bootstrapped
        "Dockerfile.j2",  # of services: filled with constants
        "page.html.j2",  # tests/stats/test_page.py: escaped, and in a browser in tests/integration/test_page.py
        "sudoers",  # the user's name alone, which check_program has
    }  # fmt: skip


# --- what such inputs found, each by name ---


def app_with(changed):
    return apps.parse("app1", {**SOUND_APP, **changed}, "conf/apps/app1.yml")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({1: "x", "y": "z"}, "unknown key"),
        ({"packages": {"run": ["libc6-"]}}, "no Debian package"),
        ({"http": {"max_body": "9" * 30 + "g"}}, "size"),
        ({"source": {"repository": "a\0b"}}, "expected a path"),
        ({"source": {"path": ""}}, "expected a path"),
        ({"wheels": {"requirements": "a\nb"}}, "expected a path"),
        ({"environment": {"A": "\ud800"}}, "one line of text"),
        ({"environment": {"A": "x" * 70_000}}, "at most"),
        ({"components": {"web": {"command": ["a\0b"]}}}, "no command line"),
        ({"components": {**SOUND_APP["components"], "\x1b[2J": {"command": ["a"]}}}, "a component's name"),
    ],
)
def test_descriptions_that_are_refused(changed, reason):
    with pytest.raises(BadConfig, match=reason):
        app_with(changed)


@pytest.mark.parametrize("key", ["depl_known_hosts", "depl_cache"])
@pytest.mark.parametrize("path", ["/a:/etc", "/a/../b", "/a\n", "/a\0", "relative", "/", "/a b"])
def test_paths_on_the_deploy_host_are_plain(key, path):
    hosts = {"app1": {**COMMON, key: path}}
    with pytest.raises(BadConfig, match="plain characters"):
        inventory.parse("vagrant", {**LISTING, "_meta": {"hostvars": hosts}})


def test_hosts_without_variables_of_their_own_are_hosts():
    assert [host.address for host in inventory.parse("vagrant", LISTING).groups["appservers"]] == ["192.0.2.1", "app2"]


def test_groups_that_hold_each_other_end():
    looped = {**LISTING, "a": {"children": ["b"]}, "b": {"children": ["a", "appservers"]}}
    assert len(inventory.parse("vagrant", looped).groups["a"]) == 2


def test_a_description_with_an_impossible_date_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(apps, "PROJECT", tmp_path)
    (tmp_path / "app1.yml").write_text("since: 2026-13-45\n")
    with pytest.raises(BadConfig, match="month"):
        apps.yaml_of(tmp_path / "app1.yml")


def test_a_cache_that_holds_half_an_answer_is_told():
    with pytest.raises(BadConfig, match="no JSON"):
        inventory._answer('{"_meta": ', "vagrant")


@pytest.mark.parametrize("name", ["request", "combined", "http", "nginx", "proxy", "a-preview", "a" * 30])
def test_no_app_takes_a_name_from_nginx_or_from_another_app(name):
    """$request_id, $nginx_version, $http_host…; and PCRE's names of groups have 32 characters."""

    def taken(app):
        text = render.site(replace(TARGET.app, name=app), TARGET.placement, ENVIRONMENT)
        found = [words for _, words in directives(text)]
        made = {words[-1] for words in found if words[0] in ("map", "split_clients")}
        formats = {words[1] for words in found if words[0] == "log_format"}
        return made | formats, set(re.findall(r"\(\?<(\w+)>", text))

    made, groups = taken(name)
    assert all(one.lstrip("$").startswith("depl_") for one in made)
    assert not made & taken("a")[0]
    assert all(len(group) <= 32 for group in groups)
    assert not groups & {one.lstrip("$") for one in made}


def test_a_domain_fits_into_nginx_hash_of_names():
    long = ".".join(["a" * 49] * 3)
    common = {**COMMON, "depl_apps": {"app1": {"domains": [long]}}}
    with pytest.raises(BadConfig, match="no host name"):
        inventory.parse("vagrant", {**LISTING, "_meta": {"hostvars": {"app1": common}}})


def test_an_unreadable_table_does_not_make_prune_remove_what_serves():
    story = Story().has(installed(V1, 0), installed(V2, 1)).went_live(Release(V1, 0))
    facts = replace(story.facts(), live=None, tables=())
    gone = [
        step.why
        for step in steps_of(
            prune.plan(replace(TARGET, environment=replace(ENVIRONMENT, keep_installed=0, keep_running=0)), [facts])
        )
    ]
    assert f"remove {V2}: folder" in gone
    assert not [why for why in gone if str(V1) in why]


def test_a_refusal_never_steers_a_terminal():
    error = BadConfig("a\x1b[2J\nb", "c\u202ed\r\n")
    assert str(error) == r"a\x1b[2J\nb: c\u202ed\r\n"
    assert str(BadInput("one\ntwo\x07")) == "one\ntwo\\x07"
