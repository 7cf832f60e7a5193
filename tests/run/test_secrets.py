"""Secrets in the repository: encrypted one by one, bound to their names, and never in a message."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import BadConfig, BadInput, Refused
from tasks.model.secrets import KINDS, Secrets
from tasks.plan import install, variables
from tasks.run import age, editor, secrets
from tasks.run.settings import PROJECT
from tests.plan.world import TARGET, V1, Story

SANDBOX = PROJECT / "vagrant_rsa"
PUBLIC = (PROJECT / "vagrant_rsa.pub").read_text().strip()
VALUES = {
    "apps.app1.SECRET_KEY": "s3cret: it's #1",
    "apps.app1.TOKEN": "  s3cret ",
    "services.database.password": "s3cret3",
    "branches.app1.SECRET_KEY": "s3cret4",
    "notify.chat.path": "/s3cret5",
}


def test_every_kind_of_secret_is_tried_here():
    assert {place.partition(".")[0] for place in VALUES} == set(KINDS)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project and a home of its own, with the sandbox's key in it."""
    (tmp_path / "conf" / "inventory" / "test").mkdir(parents=True)
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setattr(secrets, "PROJECT", tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DEPL_KEY", raising=False)
    (tmp_path / ".ssh" / "sandbox").write_bytes(SANDBOX.read_bytes())
    return tmp_path


@pytest.fixture
def file(home):
    secrets.update("test", {"ana": PUBLIC}, VALUES)
    return secrets.path_of("test")


def make_key(path, kind="ed25519", passphrase=""):
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text().strip()


def edited(file, change):
    data = yaml.safe_load(file.read_text())
    change(data)
    file.write_text(yaml.safe_dump(data))


# --- what is kept ---


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(sorted(VALUES)), st.text(st.characters(exclude_categories=["Cs"]), min_size=1)))
def test_what_an_editor_is_given_reads_back_as_it_was(values):
    assert secrets.texts(secrets.plain(secrets.as_text("test", values), "x"), "x") == values


def test_values_come_back_as_they_were(file):
    assert secrets.read("test").reveal() == VALUES
    assert secrets.load("test").apps["app1"]["TOKEN"] == "  s3cret "
    assert secrets.load("test").services == {"database": {"password": "s3cret3"}}


def test_names_are_in_the_clear_and_values_are_not(file):
    text = file.read_text()
    assert "SECRET_KEY: " in text
    assert "password: " in text
    assert "s3cret" not in text


def test_a_change_of_one_value_is_a_change_of_its_line_alone(file):
    before = file.read_text().splitlines()
    secrets.update("test", {}, {"apps.app1.TOKEN": "another"})
    after = file.read_text().splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [line.strip().partition(":")[0] for line in changed] == ["TOKEN"]


def test_what_others_wrote_meanwhile_is_kept(file):
    secrets.update("test", {}, {"apps.app1.NEW": "1"}, gone={"apps.app1.TOKEN"})
    assert set(secrets.read("test").reveal()) == VALUES.keys() - {"apps.app1.TOKEN"} | {"apps.app1.NEW"}


def test_an_environment_without_a_file_has_none(home):
    assert secrets.load("test") == Secrets()


def test_no_repr_shows_a_value(file):
    found = secrets.load("test")
    assert "s3cret" not in repr(found)
    assert "s3cret" not in repr(replace(TARGET, secrets=found))


# --- new values ---


@pytest.mark.parametrize("length", [32, 40, 41, 48, 50, 64])
def test_a_new_value_has_the_former_ones_length_since_its_program_may_want_just_that(length):
    new = secrets.new_value("services.bugsink.API_TOKEN", "a" * length)
    assert re.fullmatch(rf"[0-9a-f]{{{length}}}", new)
    assert new != secrets.new_value("services.bugsink.API_TOKEN", "a" * length)


@pytest.mark.parametrize("former", ["", "zabbix", "s3cret s3cret s3cret s3cret"])
def test_a_short_one_gives_way_to_one_that_nobody_guesses(former):
    assert re.fullmatch(r"[0-9a-f]{48}", secrets.new_value("services.zabbix.password", former))


@pytest.mark.parametrize("former", ["mail@example.com:s3cret", "https://s3cret@errors.foo/1"])
def test_a_value_of_several_parts_is_left_to_people_and_not_told(former):
    with pytest.raises(Refused) as refused:
        secrets.new_value("services.bugsink.CREATE_SUPERUSER", former)
    assert str(refused.value).startswith("services.bugsink.CREATE_SUPERUSER has several parts (there is a ':' in it)")
    assert str(refused.value).endswith("\nWrite a new one: inv secrets.edit")
    assert "s3cret" not in str(refused.value)


# --- who can read it ---


def test_every_recipient_can_read_with_a_key_of_their_own(home, monkeypatch):
    keys = {"ana": make_key(home / "ana"), "bob": make_key(home / "bob", "rsa")}
    secrets.update("test", keys, VALUES)
    for name in keys:
        monkeypatch.setenv("DEPL_KEY", str(home / name))
        assert secrets.read("test").reveal() == VALUES


def test_an_identity_of_age_itself_is_a_key_too(home, monkeypatch):
    identity = age.pyrage.x25519.Identity.generate()
    path = home / "keys.txt"
    path.write_text(f"# created: today\n# public key: {identity.to_public()}\n{identity}\n")
    monkeypatch.setenv("DEPL_KEY", str(path))
    (key,) = age.keys()
    assert age.public(key) == str(identity.to_public())
    secrets.update("test", {"ana": age.public(key)}, VALUES)
    assert secrets.read("test").reveal() == VALUES


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_the_first_recipient_is_whoever_makes_the_file(home, monkeypatch, kind):
    made = make_key(home / "mine", kind)
    monkeypatch.setenv("DEPL_KEY", str(home / "mine"))
    (public,) = secrets.first_recipient().values()
    assert public == " ".join(made.split()[:2])


def test_a_recipient_who_was_taken_out_reads_nothing_that_is_rotated(home, file, monkeypatch):
    public = make_key(home / "bob")
    edited(file, lambda data: data.update(recipients={"bob": public}))
    values = secrets.read("test").reveal()
    secrets.update("test", {}, values)
    with pytest.raises(Refused, match="no key here opens it .*sandbox"):
        secrets.read("test").reveal()
    monkeypatch.setenv("DEPL_KEY", str(home / "bob"))
    assert secrets.read("test").reveal() == VALUES


def test_a_key_with_a_passphrase_is_passed_over_and_named_where_it_is_the_only_one(home, file):
    make_key(home / ".ssh" / "id_ed25519", passphrase="long enough")
    assert secrets.read("test").reveal() == VALUES
    (home / ".ssh" / "sandbox").unlink()
    with pytest.raises(Refused, match="id_ed25519 has a passphrase.*\n.*DEPL_KEY=PATH"):
        secrets.read("test").reveal()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "can't be read: No such file"), (b"", "is no private key"), (b"\xff" * 99, "is no private key"),
     (PUBLIC.encode(), "is no private key"), (b"AGE-SECRET-KEY-1XYZ", "is no private key"),
     (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "is no private key")],
)  # fmt: skip
def test_a_key_that_is_none_is_told(home, file, monkeypatch, content, reason):
    monkeypatch.setenv("DEPL_KEY", str(home / "key"))
    if content is not None:
        (home / "key").write_bytes(content)
    with pytest.raises(Refused, match=f"which DEPL_KEY names, {reason}.*\n.*DEPL_KEY=PATH"):
        secrets.read("test").reveal()


def test_without_any_key_the_folder_is_named(home, file):
    (home / ".ssh" / "sandbox").unlink()
    with pytest.raises(Refused, match=r"\.ssh has none\.\nName one: DEPL_KEY=PATH"):
        secrets.read("test").reveal()


# --- what is refused ---


def moved(data):
    app1 = data["values"]["apps"]["app1"]
    app1["SECRET_KEY"], app1["TOKEN"] = app1["TOKEN"], app1["SECRET_KEY"]


def set_to(text):
    return lambda data: data["values"]["apps"]["app1"].update(TOKEN=text)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (moved, r"apps\.app1\.SECRET_KEY: was encrypted for another name, and moved or copied here"),
        (set_to("s3cret"), r"apps\.app1\.TOKEN: is not encrypted as depl does it"),
        (set_to("czNjcmV0"), r"apps\.app1\.TOKEN: is damaged"),
        (set_to(""), r"apps\.app1\.TOKEN: is damaged"),
        (set_to(5), r"apps\.app1\.TOKEN: expected text"),
        (lambda data: data.update(value={}), "expected the keys recipients and values"),
        (lambda data: data["values"].update(app={}), "expected the keys apps, services, branches, notify"),
        (lambda data: data["values"].update(apps=["s3cret"]), "apps: expected names"),
        (lambda data: data["values"]["apps"].update({"S3cret": {}}), "apps: has what is no name below it"),
        (lambda data: data["values"]["apps"].update(app1="s3cret"), r"apps\.app1: expected NAME: value"),
        (lambda data: data["values"]["apps"]["app1"].update({"a s3cret": None}), "app1: has what is no name of a vari"),
        (lambda data: data["recipients"].update(bob="ssh-ed25519 AAAA"), "recipients.bob: is no public key"),
        (lambda data: data["recipients"].update(bob=5), "recipients.bob: expected a public key"),
        (lambda data: data.update(recipients=["s3cret"]), "recipients: expected names"),
    ],
)
def test_what_is_wrong_is_named_without_a_value(file, change, reason):
    edited(file, change)
    with pytest.raises(BadConfig, match=reason) as refused:
        secrets.load("test")
    assert str(refused.value).startswith("conf/inventory/test/secrets.age")
    assert "s3cret" not in str(refused.value)


def test_without_recipients_nothing_is_encrypted(home):
    with pytest.raises(BadConfig, match="recipients: is empty"):
        secrets.update("test", {}, VALUES)


@pytest.mark.parametrize(
    "text",
    ["*s3cret", "!s3cret x", "&s3cret", "'s3cret", "@s3cret", "a: b: s3cret", "\ts3cret", "%s3cret", "2026-13-45",
     "s3cret: [", "[" * 5000],
)  # fmt: skip
def test_what_yaml_cannot_read_is_told_by_its_line(text):
    with pytest.raises(BadConfig, match="is not YAML|expected NAME: value|no name of|expected text") as refused:
        secrets.texts(secrets.plain(f"apps:\n  app1:\n    TOKEN: {text}\n", "x"), "x")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "values",
    [{"apps.app1.TOKEN": "s3cret\nDEPL_APP=x"}, {"apps.app1.DEPL_APP": "s3cret"}, {"apps.app1.TOKEN": "s3cret" * 9999},
     {"services.database.password": "s3cret\r"}, {"services.database.password": ""}],
)  # fmt: skip
def test_a_value_that_no_environment_can_hold_is_refused_however_it_came_in(file, values):
    secrets.update("test", {}, values)
    with pytest.raises(BadConfig) as refused:
        secrets.load("test")
    assert "s3cret" not in str(refused.value)


def test_a_name_that_stands_twice_is_refused_as_one_of_them_would_be_lost(home):
    sound = secrets.as_text("test", VALUES)
    for text in (sound + "apps:\n  app1: {}\n", sound.replace("    TOKEN:", "    SECRET_KEY: s3cret\n    TOKEN:")):
        with pytest.raises(BadConfig, match=r"line \d+ repeats a name") as refused:
            secrets.plain(text, "secrets of test")
        assert "s3cret" not in str(refused.value)


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(BadInput, match="'services.x.y' is not in .*; there: none"):
        secrets.must_have(secrets.File("x", {}, {}), "services.x.y")


# --- the editor ---


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_the_editor_gets_a_file_in_memory_that_is_its_users_alone_and_then_gone(tmp_path, monkeypatch):
    told = tmp_path / "told"
    program = script(tmp_path / "ed", f'stat -c "%a %n" "$2" "$(dirname "$2")" >{told}; echo "$1" >"$2"')
    monkeypatch.setenv("VISUAL", f"{program} --wait;id")
    assert editor.edit("before", str.strip, "again") == "--wait;id"
    (mode, path), (folder_mode, folder) = (line.split() for line in told.read_text().splitlines())
    assert (mode, folder_mode) == ("600", "700")
    assert path.startswith("/dev/shm/")
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("program", "reason"), [("false", "'false' ended with 1"), ("/nowhere/ed", "can't be started: No such file")]
)
def test_an_editor_that_fails_changes_nothing(monkeypatch, program, reason):
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", program)
    with pytest.raises((Refused, BadInput), match=reason):
        editor.edit("x", str.strip, "inv secrets.edit")


def test_without_a_terminal_a_mistake_is_refused_and_the_file_is_gone(tmp_path, monkeypatch):
    told = tmp_path / "told"
    monkeypatch.setenv("VISUAL", script(tmp_path / "ed", f'echo "$1" >{told}'))

    def check(_):
        raise BadConfig("secrets of test: apps.app1", "is wrong")

    with pytest.raises(Refused, match="is wrong\nNothing was changed. Again: inv secrets.edit"):
        editor.edit("x", check, "inv secrets.edit")
    assert not Path(told.read_text().strip()).exists()


# --- what apps get ---

NEEDY = replace(TARGET.app, components={"web": replace(TARGET.app.web, needs=("SECRET_KEY",))})


def test_secrets_win_over_plain_variables_and_lose_to_depls_own():
    app = replace(TARGET.app, environment={"A": "plain", "B": "plain"})
    target = replace(TARGET, app=app, secrets=Secrets(apps={"app1": {"B": "secret"}, "app2": {"C": "not mine"}}))
    found = variables.merged(target, V1, target.hosts[0])
    assert (found["A"], found["B"], found["DEPL_APP"]) == ("plain", "secret", "app1")
    assert "C" not in found


def test_a_variable_that_nobody_set_stops_an_install_before_its_first_step():
    target = replace(TARGET, app=NEEDY)
    with pytest.raises(
        Refused, match=r"web of app1 needs SECRET_KEY, .*\n.*apps\.app1\.SECRET_KEY\n.*inventory/vagrant"
    ):
        install.plan(target, V1, [Story().facts()])
    assert install.plan(replace(target, secrets=Secrets(apps={"app1": {"SECRET_KEY": "x"}})), V1, [Story().facts()])
