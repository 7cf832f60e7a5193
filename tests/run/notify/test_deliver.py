"""Whoever is told of deploys can neither fail nor delay one, and is told again what was missed."""

import io
import resource
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tasks.errors import Refused, Unreachable
from tasks.model.notice import Address, Jira, Notify, Tracker, Zabbix
from tasks.model.secrets import Secrets
from tasks.run.notify import deliver, receivers, spool
from tasks.run.notify.receivers import Receiver
from tasks.run.notify.refusals import PassedOver
from tasks.run.report import Report

from ...plan.world import ENVIRONMENT
from .monitoring import watching
from .notices import notice
from .server import listening

APPS = ("app1", "shop")


class Said(list):
    """A receiver that remembers what it was told."""

    def __call__(self, one, seconds):
        self.append(one.id)


@pytest.fixture
def waiting(tmp_path):
    return spool.Spool(tmp_path)


def refuses(one, seconds):
    raise Refused("no\nmore")


def test_each_receiver_is_told_once_and_in_order(waiting):
    said = Said()
    for number in (1, 2, 3):
        waiting.put("chat", notice(id=str(number), at=time.time() + number / 100))
    for _ in range(2):
        assert deliver.deliver([Receiver("chat", said)], waiting, 5, APPS) == []
    assert said == ["1", "2", "3"]


def test_what_could_not_be_told_is_told_the_next_time_and_nobody_else_waits_for_it(waiting):
    chat, jira = Said(), Said()
    waiting.put("chat", notice())
    waiting.put("jira", notice())
    (trouble,) = deliver.deliver([Receiver("chat", chat), Receiver("jira", refuses)], waiting, 5, APPS)
    assert str(trouble) == "jira was not told of app1: no"
    assert deliver.deliver([Receiver("chat", chat), Receiver("jira", jira)], waiting, 5, APPS) == []
    assert (chat, jira) == (["1"], ["1"])


def test_one_that_hangs_is_left_behind(waiting):
    waiting.put("chat", notice())
    waiting.put("jira", notice())
    said = Said()
    slow = Receiver("chat", lambda one, seconds: time.sleep(60))
    began = time.monotonic()
    (trouble,) = deliver.deliver([slow, Receiver("jira", said)], waiting, 1, APPS)
    assert time.monotonic() - began < 30
    assert str(trouble) == "chat did not answer within 1 s"
    assert said == ["1"]


def test_a_clients_own_surprise_fails_nothing(waiting):
    waiting.put("chat", notice())
    (trouble,) = deliver.deliver([Receiver("chat", lambda one, seconds: {}["x"])], waiting, 5, APPS)
    assert str(trouble) == "chat was not told of app1: KeyError('x')"


def test_a_torn_file_and_one_of_last_month_are_thrown_away(waiting):
    waiting.put("chat", notice(id="old", at=time.time() - 30 * 86400))
    waiting.put("chat", notice(id="new"))
    (waiting.folder / "chat" / "0.json").write_text('{"id": ')
    assert [one.id for _, one in waiting.waiting("chat", time.time())] == ["new"]
    assert len(list((waiting.folder / "chat").iterdir())) == 1


def test_a_notice_reads_back_as_it_was(waiting):
    kept = notice()
    waiting.put("chat", kept)
    assert [one for _, one in waiting.waiting("chat", time.time())] == [kept]


def test_parts_that_were_told_are_known_to_the_next_verb_and_forgotten_with_their_notice(waiting):
    one, other = notice(id="1"), notice(id="2")
    for kept in (one, other):
        waiting.put("jira", kept)
        waiting.parts("jira", kept).add("SHOP-1")
    waiting.parts("jira", one).add("SHOP-2")
    assert [part in waiting.parts("jira", one) for part in ("SHOP-1", "SHOP-2", "SHOP-3")] == [True, True, False]
    assert "SHOP-2" not in waiting.parts("jira", other)
    for path, _ in waiting.waiting("jira", time.time()):
        waiting.forget(path)
    assert list((waiting.folder / "jira").iterdir()) == []


def test_half_a_line_is_no_part(waiting):
    kept = notice()
    waiting.put("jira", kept)
    waiting.parts("jira", kept).add("SHOP-12")
    (path,) = (waiting.folder / "jira").glob("*.parts")
    path.write_bytes(path.read_bytes()[:-3])
    again = waiting.parts("jira", kept)
    assert [part in again for part in ("SHOP-1", "SHOP-12")] == [False, False]
    again.add("SHOP-12", "403: no")
    again.add("SHOP-13", "403: no")
    assert waiting.parts("jira", kept).refused == {"SHOP-13": "403: no"}


def test_a_full_disk_keeps_no_part_from_being_told(tmp_path):
    parts = spool.Parts(tmp_path / "gone" / "x.parts")
    parts.add("SHOP-1")
    assert "SHOP-1" in parts


def test_two_at_once_do_not_tell_twice(waiting):
    with waiting.alone("chat") as first, waiting.alone("chat") as second, waiting.alone("jira") as other:
        assert (first, second, other) == (True, False, True)


def test_a_notice_that_is_refused_keeps_its_own_app_waiting_in_order_and_no_other(waiting):
    said, unwanted = Said(), {"1"}

    def picky(one, seconds):
        if one.id in unwanted:
            raise Refused("no project app1")
        said(one, seconds)

    now = time.time()
    for number, app in ((1, "app1"), (2, "shop"), (3, "app1")):
        waiting.put("tracker", notice(id=str(number), app=app, at=now + number / 100))
    (trouble,) = deliver.deliver([Receiver("tracker", picky)], waiting, 5, APPS)
    assert (str(trouble), trouble.waits) == ("tracker was not told of app1: no project app1", True)
    assert said == ["2"]
    unwanted.clear()
    assert deliver.deliver([Receiver("tracker", picky)], waiting, 5, APPS) == []
    assert said == ["2", "1", "3"]


def test_what_is_refused_of_several_apps_for_one_reason_is_said_once(waiting):
    for number, app in enumerate(APPS):
        waiting.put("jira", notice(id=str(number), app=app))
    (trouble,) = deliver.deliver([Receiver("jira", refuses)], waiting, 5, APPS)
    assert str(trouble) == "jira was not told of app1, shop: no"


def test_a_receiver_that_is_away_is_tried_once(waiting):
    tried = Said()

    def away(one, seconds):
        tried(one, seconds)
        raise Unreachable("away")

    for number, app in enumerate(APPS):
        waiting.put("chat", notice(id=str(number), app=app, at=time.time() + number / 100))
    (trouble,) = deliver.deliver([Receiver("chat", away)], waiting, 5, APPS)
    assert (str(trouble), tried) == ("chat was not told: away", ["0"])


def test_what_is_refused_of_an_app_that_left_the_inventory_is_thrown_away_and_said(waiting):
    waiting.put("tracker", notice(app="old"))
    (trouble,) = deliver.deliver([Receiver("tracker", refuses)], waiting, 5, APPS)
    said = "tracker was not told of old, which the inventory places nowhere any more: no"
    assert (str(trouble), trouble.waits) == (said, False)
    assert waiting.waiting("tracker", time.time()) == []


def test_what_is_passed_over_is_said_once_and_told_no_more(waiting):
    def knows_not_all(one, seconds):
        raise PassedOver("doesn't know app1 on app2")

    for number in (1, 2):
        waiting.put("zabbix", notice(id=str(number)))
    (trouble,) = deliver.deliver([Receiver("zabbix", knows_not_all)], waiting, 5, APPS)
    assert (str(trouble), trouble.waits) == ("zabbix doesn't know app1 on app2", False)
    assert waiting.waiting("zabbix", time.time()) == []


def test_one_that_was_left_behind_is_not_told_the_same_beside_it(waiting):
    said, answer, before = Said(), threading.Event(), threading.enumerate()

    def slow(one, seconds):
        said(one, seconds)
        answer.wait(60)

    waiting.put("webhook", notice())
    (trouble,) = deliver.deliver([Receiver("webhook", slow)], waiting, 0.2, APPS)
    assert str(trouble) == "webhook did not answer within 0.2 s"
    (trouble,) = deliver.deliver([Receiver("webhook", said)], waiting, 5, APPS)
    assert (str(trouble), trouble.waits) == ("webhook is still being told of something else", True)
    answer.set()
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and thread not in before:
            thread.join(30)
    assert waiting.waiting("webhook", time.time()) == []
    assert said == ["1"]


# --- what a verb sees of it ---


def told(tmp_path, monkeypatch, notify, secrets):
    monkeypatch.setattr(deliver.secrets, "load", secrets)
    environment = replace(ENVIRONMENT, cache=str(tmp_path), notify=notify)
    out = io.StringIO()
    deliver.tell(environment, [notice()], Report(out))
    return out.getvalue()


def test_a_verb_says_nothing_where_nobody_is_to_be_told(tmp_path, monkeypatch):
    assert told(tmp_path, monkeypatch, None, refuses) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_verb_says_in_one_line_who_was_not_told(tmp_path, monkeypatch):
    nowhere = Notify(webhook=Address("http://127.0.0.1:9/x"))
    said = told(tmp_path, monkeypatch, nowhere, lambda name: Secrets(notify={"webhook": {"key": "k"}}))
    assert said.startswith("Note: webhook was not told: the webhook at http://127.0.0.1:9 can't be reached: ")
    assert said.endswith("The next verb tries again.\n")
    assert len(said.splitlines()) == 1


def test_without_a_key_to_the_secrets_a_deploy_goes_on(tmp_path, monkeypatch):
    def locked(name):
        raise Refused("None of your keys opens it.\nSay DEPL_KEY")

    notify = Notify(webhook=Address("http://x"), chat=Address("http://x"))
    said = told(tmp_path, monkeypatch, notify, locked)
    assert said == "Note: Nobody was told: None of your keys opens it. The next verb tries again.\n"
    waiting = spool.Spool(tmp_path / "notices" / ENVIRONMENT.name)
    assert [[one.id for _, one in waiting.waiting(name, time.time())] for name in ("webhook", "chat")] == [["1"], ["1"]]


def test_what_no_key_ever_opens_is_kept_no_longer_than_a_week(tmp_path):
    waiting = spool.Spool(tmp_path)
    for days in (1, 2, 9):
        waiting.put("webhook", replace(notice(), at=days * 86400.0))
    assert len(list((tmp_path / "webhook").iterdir())) == 1


@contextmanager
def full_disk():
    """Nobody can write to a file here."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_notice_that_could_not_be_kept_leaves_nothing(tmp_path):
    waiting = spool.Spool(tmp_path)
    with pytest.raises(OSError, match="File too large"), full_disk():
        waiting.put("webhook", notice())
    assert not list((tmp_path / "webhook").iterdir())


def test_who_is_named_has_a_place_for_its_notices():
    notify = Notify(Address("http://x"), Address("http://x"), Tracker("http://x"), Jira("http://x"), Zabbix("http://x"))
    names = [one.name for one in receivers.of(notify, {})]
    assert receivers.names(notify) == names == ["webhook", "chat", "tracker", "jira", "zabbix"]
    assert receivers.names(Notify(jira=Jira("http://x"))) == ["jira"]


def test_a_cache_that_cannot_be_written_fails_nothing(tmp_path, monkeypatch):
    (tmp_path / "notices").write_text("in the way")
    notify = Notify(webhook=Address("http://127.0.0.1:9"))
    said = told(tmp_path, monkeypatch, notify, lambda name: Secrets(notify={"webhook": {"key": "k"}}))
    assert said.startswith("Note: webhook is not told of this, since it can't be kept for it: ")
    assert "The next verb" not in said
    assert len(said.splitlines()) == 1


def test_one_whose_notices_cannot_be_kept_keeps_nobody_else_from_being_told(tmp_path, monkeypatch):
    there = tmp_path / "notices" / ENVIRONMENT.name
    there.mkdir(parents=True)
    (there / "chat").write_text("in the way")
    with listening() as server:
        notify = Notify(webhook=Address(server.url), chat=Address(server.url))
        known = Secrets(notify={"webhook": {"key": "k"}, "chat": {"path": "p"}})
        said = told(tmp_path, monkeypatch, notify, lambda name: known)
    assert said.startswith("Note: chat is not told of this, since it can't be kept for it: ")
    assert [one.path for one in server.told] == ["/"]


def test_a_verb_says_what_waits_and_what_does_not(tmp_path, monkeypatch):
    with watching("app1 on app1") as known:
        notify = Notify(webhook=Address("http://127.0.0.1:9/x"), zabbix=Zabbix(known.url, known.server))
        said = told(tmp_path, monkeypatch, notify, lambda name: Secrets(notify={"webhook": {"key": "k"}}))
    waits, passed = said.splitlines()
    assert waits.startswith("Note: webhook was not told: ")
    assert waits.endswith("The next verb tries again.")
    assert passed == (
        "Note: zabbix doesn't know app1 on app2, so it was told nothing there: inv infra.apps makes it known."
    )
