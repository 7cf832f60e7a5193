"""What error trackers and Zabbix say of a canary, by their own protocols; against servers on this machine."""

import io
import unicodedata
from dataclasses import replace

import pytest

from tasks.errors import BadConfig, DeplError, Refused
from tasks.model.notice import Notify, Tracker
from tasks.model.notice import Zabbix as At
from tasks.model.rollout import Rules
from tasks.model.secrets import Secrets
from tasks.run.report import Report
from tasks.run.witnesses import ask, bugsink, sentry, zabbix
from tasks.run.witnesses.ask import Hearing, Witness

from ...plan.world import TARGET
from ..notify.server import listening
from .products import BEGAN, CANARY, LIVE, ROLLOUT, Bugsink, Sentry, Zabbix

HOSTILE = "a\n##teamcity[buildStop comment='x']\r\x1b[2J\u202e" + "x" * 100_000


@pytest.fixture
def server():
    with listening() as found:
        yield found


@pytest.fixture
def bugs(server):
    return Bugsink(server)


@pytest.fixture
def issues(server):
    return Sentry(server)


@pytest.fixture
def triggers(server):
    return Zabbix(server)


def in_bugsink(server, seconds=5, **projects):
    return bugsink.new_issues(Tracker(server.url, "bugsink", projects=projects), "t0ken", "app1", ROLLOUT, seconds)


def in_sentry(server, rollout=ROLLOUT, **projects):
    return sentry.new_issues(Tracker(f"{server.url}/", "sentry", "acme", projects), "t0ken", "app1", rollout, 5)


def in_zabbix(server, password=Zabbix.PASSWORD, seconds=5):
    return zabbix.problems(At(server.url, user="depl"), password, "app1", ["app1", "app2"], ROLLOUT, seconds)


def titles(found):
    return [one.title for one in found]


# --- Bugsink ---


def test_an_issue_whose_events_are_all_the_canarys_is_new_in_it(server, bugs):
    bugs.has("planted", CANARY, CANARY, CANARY)
    (found,) = in_bugsink(server)
    assert (found.witness, found.title) == ("the error tracker", "ValueError: planted")
    assert found.url == f"{server.url}/issues/issue/issue-0/event/last/"
    assert {one.headers["authorization"] for one in server.told} == {"Bearer t0ken"}


@pytest.mark.parametrize(
    "releases", [(LIVE,), (CANARY, LIVE), (LIVE, CANARY), (CANARY, CANARY, LIVE, CANARY, CANARY), (None,), ()]
)
def test_an_issue_that_others_have_too_or_whose_events_name_no_release_is_not(server, bugs, releases):
    bugs.has("everybody's", *releases)
    assert in_bugsink(server) == []


def test_an_issue_from_before_the_rollout_is_not(server, bugs):
    bugs.has("old", CANARY, after=-3600)
    assert in_bugsink(server) == []


@pytest.mark.parametrize("flag", ["is_resolved", "is_muted"])
def test_an_issue_that_somebody_resolved_or_muted_is_none_any_more(server, bugs, flag):
    issue = bugs.has("planted", CANARY)
    assert titles(in_bugsink(server)) == ["ValueError: planted"]
    issue[flag] = True
    assert in_bugsink(server) == []


def test_the_project_is_the_one_of_the_inventory_or_of_the_apps_name(server, bugs):
    bugs.has("planted", CANARY)
    assert len(in_bugsink(server, app1="7")) == 1
    with pytest.raises(DeplError, match="No Project matches"):
        in_bugsink(server, app1="8")
    Bugsink(server, project="another")
    with pytest.raises(DeplError, match="has no project app1: inv infra.apps"):
        in_bugsink(server)


def test_of_many_issues_a_bounded_number_is_read(server, bugs):
    for number in range(40):
        bugs.has(str(number), CANARY, *[CANARY] * 200)
    assert titles(in_bugsink(server)) == [f"ValueError: {number}" for number in (39, 38, 37, 36, 35)]
    assert len(server.told) < 40
    for number in range(40):
        bugs.has(f"live's {number}", LIVE, *[LIVE] * 200)
    server.told.clear()
    assert in_bugsink(server) == []
    assert len(server.told) == 2 + 20 * 2


def test_what_was_found_is_told_though_the_time_is_over_before_all_was_looked_at(server, bugs):
    for number in range(19):
        bugs.has(f"live's {number}", LIVE)
    bugs.has("planted", CANARY)
    server.pause = 0.1
    assert titles(in_bugsink(server, seconds=1)) == ["ValueError: planted"]


def test_a_storm_is_heard_before_the_tracker_is_left_behind(server, bugs):
    for number in range(19):
        bugs.has(f"live's {number}", LIVE)
    bugs.has("planted", CANARY)
    server.pause = 0.1
    found = heard(lambda rollout, seconds: in_bugsink(server, seconds), seconds=2)
    assert titles(found.complaints) == ["ValueError: planted"]


def test_a_tracker_whose_time_is_over_before_anything_is_found_can_not_be_asked(server, bugs):
    bugs.has("planted", CANARY)
    server.pause = 0.4
    with pytest.raises(DeplError, match="timed out"):
        in_bugsink(server, seconds=1)


def test_an_issue_or_an_event_that_was_deleted_meanwhile_is_passed_over(server, bugs):
    gone = (404, {"detail": "No Event matches the given query."})
    bugs.has("first", CANARY)
    bugs.has("second", CANARY, CANARY, CANARY)
    bugs.has("third", CANARY)
    server.answers["GET", f"{Bugsink.API}/events/issue-1-event-1/"] = gone
    server.answers["GET", f"{Bugsink.API}/events/issue-2-event-0/"] = gone
    assert titles(in_bugsink(server)) == ["ValueError: second", "ValueError: first"]
    server.answers["GET", f"{Bugsink.API}/events/"] = gone
    assert in_bugsink(server) == []


# --- Sentry ---


def test_sentry_is_asked_for_issues_first_seen_in_the_release(server, issues):
    issues.has("ValueError: planted")
    (found,) = in_sentry(server, app1="shop")
    assert (found.title, found.url) == ("ValueError: planted", f"{server.url}/organizations/acme/issues/100/")
    first, second = [one.path for one in server.told]
    assert f"query=project%3Ashop+is%3Aunresolved+firstRelease%3A%22{CANARY}%22&" in first
    assert issues.query == f'project:shop is:unresolved firstRelease:"{CANARY}" release:["{LIVE}"]'
    assert "project=-1&" in second


def test_an_issue_that_others_have_too_or_from_before_the_rollout_is_none(server, issues):
    issues.has("everybody's", elsewhere=True)
    issues.has("old", after=-3600)
    issues.has("planted")
    assert titles(in_sentry(server)) == ["planted"]


def test_a_control_arm_is_one_of_the_others(server, issues):
    issues.has("planted")
    control = replace(LIVE, text="2026.11.22.11.59")
    in_sentry(server, replace(ROLLOUT, control=control))
    assert issues.query.endswith(f'release:["{control}", "{LIVE}"]')


# --- Zabbix ---


def test_a_trigger_of_the_app_or_its_hosts_is_a_complaint(server, triggers):
    triggers.has("app1: a container started again")
    (found,) = in_zabbix(server)
    assert (found.witness, found.title) == ("Zabbix", "app1: a container started again on app1")
    assert found.url == f"{server.url}/tr_events.php?triggerid=13&eventid=55"
    assert triggers.asked["host.get"]["filter"] == {"host": ["app1", "app2", "app1 on app1", "app1 on app2"]}
    asked = triggers.asked["trigger.get"]
    assert (asked["hostids"], asked["filter"], asked["lastChangeSince"]) == (["0", "1"], {"value": 1}, BEGAN)
    assert asked["min_severity"] == 2
    assert asked["withLastEventUnacknowledged"] is True
    assert asked["maintenance"] is False
    assert asked["limit"] == 5


def test_a_zabbix_that_knows_none_of_the_hosts_is_no_witness(server):
    Zabbix(server, hosts=("another",))
    with pytest.raises(DeplError, match="Zabbix shows depl none of app1, app2, app1 on app1"):
        in_zabbix(server)


def test_a_wrong_password_is_told(server, triggers):
    with pytest.raises(DeplError, match=r"with notify\.zabbix\.password: .*Incorrect user name or password"):
        in_zabbix(server, "wrong")


# --- all ---


@pytest.mark.parametrize("product", ["bugsink", "sentry", "zabbix"])
def test_a_hostile_title_is_one_short_line_without_orders_for_a_terminal(server, product):
    if product == "bugsink":
        Bugsink(server).has(HOSTILE, CANARY)
        (found,) = in_bugsink(server)
    elif product == "sentry":
        Sentry(server).has(HOSTILE)
        (found,) = in_sentry(server)
    else:
        Zabbix(server).has(HOSTILE)
        (found,) = in_zabbix(server)
    assert len(found.title) <= 100
    assert not [one for one in found.title if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp")]


@pytest.mark.parametrize("question", [in_bugsink, in_sentry, in_zabbix])
@pytest.mark.parametrize("status", [302, 401, 403, 404, 429, 500, 503])
def test_what_refuses_is_silent_in_one_line(server, question, status):
    for method, path in (("GET", Sentry.PATH), ("GET", f"{Bugsink.API}/projects/"), ("POST", "/api_jsonrpc.php")):
        server.answers[method, path] = (status, {"detail": HOSTILE})
    (why,) = heard(lambda rollout, seconds: question(server)).silent.values()
    assert len(why.splitlines()) == 1
    assert len(why) < 700


@pytest.mark.parametrize("question", [in_bugsink, in_sentry])
@pytest.mark.parametrize(("status", "named"), [(401, True), (403, True), (500, False)])
def test_a_refused_token_is_named_by_its_key_in_that_line(server, question, status, named):
    for path in (Sentry.PATH, f"{Bugsink.API}/projects/"):
        server.answers["GET", path] = (status, {"detail": "Invalid token."})
    (why,) = heard(lambda rollout, seconds: question(server)).silent.values()
    assert why.endswith(", by notify.tracker.token") == named
    assert "t0ken" not in why


@pytest.mark.parametrize("question", [in_bugsink, in_sentry, in_zabbix])
@pytest.mark.parametrize(
    "answer", [None, [], {}, 7, "text", [1], [{}], {"results": [{}]}, {"results": 1}, {"result": []}, {"jsonrpc": 1}]
)
def test_what_answers_something_else_is_silent_or_has_nothing_to_say(server, question, answer):
    for method, path in (("GET", Sentry.PATH), ("GET", f"{Bugsink.API}/projects/"), ("POST", "/api_jsonrpc.php")):
        server.answers[method, path] = (200, answer)
    found = heard(lambda rollout, seconds: question(server))
    assert not found.complaints
    assert all(len(why.splitlines()) == 1 for why in found.silent.values())


def test_an_answer_without_end_is_not_read_to_it(server, bugs):
    server.answers["GET", f"{Bugsink.API}/issues/"] = (200, {"results": "x" * (9 * 1024 * 1024)})
    with pytest.raises(DeplError, match="answers with more than 8388608 bytes"):
        in_bugsink(server)


def test_nobody_is_there(server):
    url = server.url
    found = heard(lambda rollout, seconds: in_bugsink(type(server)(url=url.rpartition(":")[0] + ":1")))
    assert "can't be reached" in found.silent["it"]


# --- several, look by look ---


def heard(answer, seconds=5):
    return Hearing([Witness("it", answer, "notify.tracker.token")], Report(io.StringIO()), seconds).hear(ROLLOUT)


def fails(rollout, seconds):
    raise Refused("not today\nat all")


def test_one_that_hangs_is_left_behind_and_the_other_is_heard(server, bugs):
    bugs.has("planted", CANARY)
    with listening() as slow:
        slow.pause = 30
        witnesses = [
            Witness("slow", lambda rollout, seconds: in_zabbix(slow, seconds=60), ""),
            Witness("quick", lambda rollout, seconds: in_bugsink(server), ""),
        ]
        found = Hearing(witnesses, Report(io.StringIO()), seconds=1).hear(ROLLOUT)
    assert titles(found.complaints) == ["ValueError: planted"]
    assert found.silent == {"slow": "it did not answer within 1 s"}


def test_who_cannot_be_asked_is_told_once_and_again_when_it_was_back():
    out, answers = io.StringIO(), [fails, fails, lambda *_: [], fails]
    hearing = Hearing([Witness("Zabbix", lambda *given: answers.pop(0)(*given), "")], Report(out))
    silent = [dict(hearing.hear(ROLLOUT).silent) for _ in range(4)]
    assert silent == [{"Zabbix": "not today"}, {"Zabbix": "not today"}, {}, {"Zabbix": "not today"}]
    assert out.getvalue() == "Note: Zabbix can't be asked: not today. The statistics decide alone.\n" * 2


# --- who is asked ---


def listener(*listen, notify=None):
    app = replace(TARGET.app, canary=Rules(listen=listen))
    return replace(TARGET, app=app, environment=replace(TARGET.environment, notify=notify))


@pytest.fixture
def known(monkeypatch):
    found = {"tracker": {"token": "t0ken"}, "zabbix": {"password": "s3cret"}}
    monkeypatch.setattr(ask.secrets, "load", lambda environment: Secrets(notify=found))
    return found


EVERYBODY = Notify(tracker=Tracker("http://bugs.foo", "bugsink"), zabbix=At("http://zabbix.foo"))


def test_who_is_listened_to_is_asked_and_nobody_else(known):
    assert ask.of(listener(notify=EVERYBODY)) == []
    assert [one.name for one in ask.of(listener("monitoring", notify=EVERYBODY))] == ["Zabbix"]
    both = ask.of(listener("monitoring", "tracker", notify=EVERYBODY))
    assert [one.name for one in both] == ["the error tracker", "Zabbix"]
    assert [one.key for one in both] == ["notify.tracker.token", "notify.zabbix.password"]
    assert "s3cret" not in repr(both)


@pytest.mark.parametrize("notify", [None, Notify(), Notify(tracker=EVERYBODY.tracker)])
def test_who_is_not_in_the_inventory_is_named_with_both_keys(known, notify):
    with pytest.raises(BadConfig) as error:
        ask.of(listener("monitoring", notify=notify))
    for part in ("conf/apps/app1.yml: canary.listen", "names monitoring", "vagrant has no depl_notify.zabbix"):
        assert part in str(error.value)


@pytest.mark.parametrize(("witness", "key"), [("tracker", "tracker.token"), ("monitoring", "zabbix.password")])
def test_a_missing_secret_is_named(known, witness, key):
    known[key.partition(".")[0]].clear()
    with pytest.raises(Refused, match=f"inv secrets.edit, as notify.{key}"):
        ask.of(listener(witness, notify=EVERYBODY))
