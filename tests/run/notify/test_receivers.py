"""What each receiver is told, by its own protocol; against real servers on this machine."""

import hashlib
import hmac
import time
from collections import Counter
from dataclasses import replace

import pytest

from tasks.errors import DeplError, Refused, Unreachable
from tasks.model.change import Changes
from tasks.model.notice import ADD, DRAIN, Address, Jira, Notify, Tracker
from tasks.run.notify import deliver, receivers, spool
from tasks.run.notify.jira import jira

from .notices import CHANGES, about_host, notice
from .server import listening

SENTRY = "/api/0/organizations/acme/releases/"


@pytest.fixture
def server():
    with listening() as found:
        yield found


def told(notify, secrets, one):
    (receiver,) = receivers.of(notify, secrets)
    receiver.tell(one, 5)


# --- webhook, chat ---


def test_a_webhook_can_tell_who_sent_it(server):
    told(Notify(webhook=Address(f"{server.url}/hook")), {"webhook": {"key": "s3cret"}}, notice())
    (request,) = server.told
    signature = hmac.new(b"s3cret", request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-depl-signature"] == f"sha256={signature}"
    assert (request.json["verb"], request.json["version"]) == ("promote", "2026.11.22.12.05")
    assert request.json["issues"] == ["SHOP-2", "SHOP-1"]
    assert [one["author_name"] for one in request.json["commits"]] == ["Ben", "Ana"]


def test_a_webhook_hears_of_a_host_that_leaves_and_nothing_of_users_or_commits(server):
    told(Notify(webhook=Address(f"{server.url}/hook")), {"webhook": {"key": "k"}}, about_host(DRAIN))
    (request,) = server.told
    found = request.json
    assert (found["verb"], found["app"], found["hosts"], found["version"]) == (
        "hosts.drain", "app1", ["app1"], "2026.11.22.12.05",
    )  # fmt: skip
    assert (found["former"], found["percent"], found["commits"], found["issues"]) == (None, None, [], [])
    assert found["text"] == "app1 gets no traffic of app1 in production (by ana@deploy)"


@pytest.mark.parametrize("verb", [DRAIN, ADD])
@pytest.mark.parametrize(
    "notify",
    [
        {"tracker": Tracker("URL", "sentry", "acme", {"app1": "shop"})},
        {"jira": Jira("URL")},
    ],
)
def test_issues_and_errors_have_nothing_to_do_with_hosts(server, notify, verb):
    ((name, at),) = notify.items()
    told(Notify(**{name: replace(at, url=server.url)}), {name: {"token": "t"}}, about_host(verb))
    assert server.told == []


def test_a_chat_gets_a_sentence(server):
    told(Notify(chat=Address(server.url)), {"chat": {"path": "/services/T0/s3cret"}}, notice())
    (request,) = server.told
    assert request.path == "/services/T0/s3cret"
    assert request.json == {
        "text": "app1 2026.11.22.12.05 is live in production, after 2026.11.21.18.30: "
        "2 commits by Ben, Ana (SHOP-2, SHOP-1) (by ana@deploy)"
    }


@pytest.mark.parametrize(
    ("author", "said"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("<https://evil|click>", "&lt;https://evil|click&gt;"),
        ("&lt; 'x'", "&amp;lt; 'x'"),
    ],
)
def test_a_name_is_no_markup_in_a_chat(server, author, said):
    by_them = Changes(tuple(replace(one, author=author) for one in CHANGES.came))
    told(Notify(chat=Address(server.url)), {"chat": {"path": "s3cret"}}, notice(changes=by_them))
    assert f"2 commits by {said} (" in server.told[0].json["text"]


def test_a_failing_chat_does_not_show_its_address(server):
    server.answers["POST", "/services/s3cret"] = (403, {"error": "invalid_token"})
    with pytest.raises(DeplError, match="the chat at http://127.0.0.1:[0-9]+ refuses: .*invalid_token") as error:
        told(Notify(chat=Address(server.url)), {"chat": {"path": "services/s3cret"}}, notice())
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("path", [" services/s3cret", "services/s3cret x", "services/s3cret\x7f", "services/s3cretäö"])
def test_a_chats_address_that_no_request_can_have_is_not_shown(server, path):
    with pytest.raises(Unreachable, match=r"^the chat at http://127.0.0.1:[0-9]+ can't be ") as error:
        told(Notify(chat=Address(server.url)), {"chat": {"path": path}}, notice())
    assert not [part for part in ("services", "s3cret", "x7f", "ä", "xe4") if part in str(error.value)]
    assert error.value.__suppress_context__
    assert server.told == []


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (notice("canary", percent=5.0, changes=Changes()), "app1 2026.11.22.12.05 has 5 % of the users in production"),
        (notice("canary", percent=0.0, changes=Changes()), "app1 2026.11.22.12.05 has no users any more in production"),
        (notice("install", percent=0.0, changes=Changes()), "app1 2026.11.22.12.05 is installed in production"),
        (notice("rollback", changes=Changes()), "app1 2026.11.22.12.05 is live again in production, after"),
    ],
)
def test_each_verb_has_its_words(one, text):
    assert one.text.startswith(text)


@pytest.mark.parametrize("name", ["webhook", "chat", "tracker", "jira"])
def test_a_secret_that_nobody_set_is_named(name):
    at = {
        "webhook": Address("http://x"), "chat": Address("http://x"), "jira": Jira("http://x"),
        "tracker": Tracker("http://x", projects={"app1": "1"}),
    }[name]  # fmt: skip
    with pytest.raises(DeplError, match=rf"nobody set its \w+: inv secrets.edit, as notify\.{name}\.\w+"):
        told(Notify(**{name: at}), {}, notice())


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("name", "key"), [("webhook", "key"), ("chat", "path"), ("tracker", "token")])
def test_who_does_not_let_us_in_is_named_with_the_secret_that_should(server, name, key, status):
    at = Tracker(server.url, "sentry", "acme") if name == "tracker" else Address(f"{server.url}/x")
    server.answers["POST", {"webhook": "/x", "chat": "/x/y", "tracker": SENTRY}[name]] = (status, {"detail": "no"})
    with pytest.raises(Unreachable, match=rf"refuses: .*\({status}\)\. What opens it: .* notify\.{name}\.{key}$"):
        told(Notify(**{name: at}), {name: {key: "y"}}, notice())


@pytest.mark.parametrize(("status", "kind"), [(400, Refused), (413, Refused), (429, Unreachable), (503, Unreachable)])
def test_what_is_wrong_with_one_notice_is_told_apart_from_a_receiver_that_is_away(server, status, kind):
    server.answers["POST", "/hook"] = (status, {"detail": "no"})
    with pytest.raises(DeplError) as error:
        told(Notify(webhook=Address(f"{server.url}/hook")), {"webhook": {"key": "k"}}, notice())
    assert (type(error.value) is Refused) == (kind is Refused)


# --- error trackers ---


def test_sentry_gets_release_commits_and_deploy(server):
    at = Tracker(server.url, "sentry", "acme", {"app1": "shop"})
    told(Notify(tracker=at), {"tracker": {"token": "t0ken"}}, notice())
    release, deploy = server.told
    assert release.path == SENTRY
    assert release.headers["authorization"] == "Bearer t0ken"
    assert (release.json["version"], release.json["projects"]) == ("2026.11.22.12.05", ["shop"])
    assert [one["id"] for one in release.json["commits"]] == ["b" * 40, "a" * 40]
    assert deploy.path == f"{SENTRY}2026.11.22.12.05/deploys/"
    assert deploy.json["environment"] == "production"


def test_a_version_that_few_users_have_is_a_release_and_no_deploy(server):
    at = Tracker(server.url, "sentry", "acme", {"app1": "shop"})
    told(Notify(tracker=at), {"tracker": {"token": "t"}}, notice("canary", percent=5))
    assert [one.path for one in server.told] == [SENTRY]


def in_bugsink(server, **projects):
    """Tell a Bugsink that has the projects app1, 2, and shop, 3, on two pages."""
    api, first, second = "/api/canonical/0", {"id": 2, "name": "app1"}, {"id": 3, "name": "shop"}
    later = f"{server.url}{api}/projects/?cursor=cD1iYm9hcmQ%3D"

    def listed(one):
        query = one.told[-1].path.partition("?")[2]
        return 200, {"next": None, "results": [first]} if query else {"next": later, "results": [second]}

    server.answers["GET", f"{api}/projects/"] = listed
    server.answers["GET", f"{api}/projects/3/"] = (200, second)
    server.answers["GET", f"{api}/projects/9/"] = (404, {"detail": "No Project matches the given query."})
    told(Notify(tracker=Tracker(server.url, "bugsink", projects=projects)), {"tracker": {"token": "t0ken"}}, notice())
    return server.told[-1]


@pytest.mark.parametrize(("projects", "number"), [({"app1": "3"}, 3), ({}, 2), ({"app2": "3"}, 2)])
def test_bugsink_gets_the_release_in_the_project_that_is_said_or_has_the_apps_name(server, projects, number):
    request = in_bugsink(server, **projects)
    assert (request.method, request.path) == ("POST", "/api/canonical/0/releases/")
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.json == {"project": number, "version": "2026.11.22.12.05"}


def test_a_release_that_bugsink_knows_already_is_fine(server):
    server.answers["POST", "/api/canonical/0/releases/"] = (400, {"version": ["exists"]})
    in_bugsink(server)


def test_a_project_that_bugsink_has_not_is_named(server):
    with pytest.raises(DeplError, match="the error tracker at .* refuses: .*No Project matches"):
        in_bugsink(server, app1="9")
    server.answers["GET", "/api/canonical/0/projects/"] = (200, {"next": None, "results": []})
    with pytest.raises(Refused, match=r"^the error tracker has no project app1: inv infra\.apps makes it\.$"):
        told(Notify(tracker=Tracker(server.url, "bugsink")), {"tracker": {"token": "t"}}, notice())


def test_sentrys_project_has_the_apps_name_where_no_other_is_said(server):
    told(Notify(tracker=Tracker(server.url, "sentry", "acme")), {"tracker": {"token": "t"}}, notice())
    assert server.told[0].json["projects"] == ["app1"]


def test_a_project_that_sentry_has_not_is_named(server):
    server.answers["POST", SENTRY] = (400, {"projects": ["Invalid project ids or slugs"]})
    with pytest.raises(Refused, match=r"has no project app1: inv infra\.apps makes it\."):
        told(Notify(tracker=Tracker(server.url, "sentry", "acme")), {"tracker": {"token": "t"}}, notice())


# --- Jira ---


def issue(server, key, *comments, transitions=("Done", "Released")):
    base = f"/rest/api/2/issue/{key}"
    server.answers["GET", f"{base}/comment"] = (200, {"comments": [{"id": "1", "body": one} for one in comments]})
    server.answers["POST", f"{base}/comment"] = (201, {"id": "2", "body": ""})
    ways = [{"id": str(10 + place), "name": name} for place, name in enumerate(transitions)]
    server.answers["GET", f"{base}/transitions"] = (200, {"transitions": ways})
    server.answers["POST", f"{base}/transitions"] = (204, None)


def written(server):
    return [(one.path.removeprefix("/rest/api/2/issue/"), one.json) for one in server.told if one.method == "POST"]


def test_each_issue_is_told_since_when_it_is_in_production(server):
    issue(server, "SHOP-1")
    issue(server, "SHOP-2")
    told(Notify(jira=Jira(server.url)), {"jira": {"token": "t0ken"}}, notice(at=1_763_900_000.0))
    assert [path for path, _ in written(server)] == ["SHOP-2/comment", "SHOP-1/comment"]
    assert written(server)[0][1] == {
        "body": "In production with app1 2026.11.22.12.05 since 2025-11-23 12:13 UTC: https://app1.foo (by ana@deploy)"
    }
    assert server.told[0].headers["authorization"] == "Bearer t0ken"


def test_an_issue_that_was_told_is_not_told_again(server):
    issue(server, "SHOP-1", "In production with app1 2026.11.22.12.05 since yesterday")
    issue(server, "SHOP-2", "In staging with app1 2026.11.22.12.05 since yesterday")
    told(Notify(jira=Jira(server.url)), {"jira": {"token": "t"}}, notice())
    assert [path for path, _ in written(server)] == ["SHOP-2/comment"]


def test_an_issue_is_moved_on_where_the_inventory_says_how(server):
    issue(server, "SHOP-1")
    issue(server, "SHOP-2", transitions=("Reopen",))
    told(Notify(jira=Jira(server.url, transition="Released")), {"jira": {"token": "t"}}, notice())
    moved = [(path, body["transition"]["id"]) for path, body in written(server) if path.endswith("transitions")]
    assert moved == [("SHOP-1/transitions", 11)]


def test_what_only_looks_like_an_issue_is_passed_over(server):
    server.answers["GET", "/rest/api/2/issue/SHOP-2/comment"] = (404, {"errorMessages": ["Issue Does Not Exist"]})
    issue(server, "SHOP-1")
    told(Notify(jira=Jira(server.url)), {"jira": {"token": "t"}}, notice())
    assert [path for path, _ in written(server)] == ["SHOP-1/comment"]


@pytest.mark.parametrize("one", [notice("canary", percent=5.0), notice("install"), notice(changes=Changes())])
def test_jira_hears_only_of_what_all_users_have(server, one):
    told(Notify(jira=Jira(server.url)), {"jira": {"token": "t"}}, one)
    assert server.told == []


@pytest.fixture
def waiting(tmp_path):
    return spool.Spool(tmp_path)


def delivered(server, waiting, **more):
    found = receivers.of(Notify(jira=Jira(server.url, **more)), {"jira": {"token": "t"}}, waiting)
    return [str(one) for one in deliver.deliver(found, waiting, 5, ("app1",))]


def asked(server):
    return [(one.method, one.path.removeprefix("/rest/api/2/issue/").partition("?")[0]) for one in server.told]


def test_issues_that_were_told_cost_nothing_the_next_time(server, waiting, tmp_path):
    for number in range(1, 7):
        issue(server, f"SHOP-{number}")
    many = Changes(tuple(replace(CHANGES.came[0], message=f"SHOP-{number}") for number in range(1, 7)))
    waiting.put("jira", notice(changes=many))
    for place in ("SHOP-3/comment", "SHOP-5/transitions"):
        at = ("POST", f"/rest/api/2/issue/{place}")
        well, server.answers[at] = server.answers[at], (503, {})
        assert delivered(server, waiting, transition="Done")[0].startswith("jira was not told: Jira refuses (503)")
        server.answers[at] = well
    assert delivered(server, waiting, transition="Done") == []
    counts = Counter(asked(server))
    assert counts["GET", "SHOP-3/comment"] == counts["GET", "SHOP-5/comment"] == 2
    assert {counts["GET", f"SHOP-{one}/comment"] for one in (1, 2, 4, 6)} == {1}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["jira.lock"]


def test_what_no_issue_is_costs_nothing_the_next_time_either(server, waiting):
    issue(server, "SHOP-1")
    server.answers["GET", "/rest/api/2/issue/SHOP-2/comment"] = (404, {"errorMessages": ["Issue Does Not Exist"]})
    at = ("POST", "/rest/api/2/issue/SHOP-1/comment")
    well, server.answers[at] = server.answers[at], (503, {})
    waiting.put("jira", notice())
    assert delivered(server, waiting) != []
    server.answers[at] = well
    assert delivered(server, waiting) == []
    assert Counter(asked(server))["GET", "SHOP-2/comment"] == 1


def test_a_refusal_of_jira_is_told_in_one_line(server):
    server.answers["GET", "/rest/api/2/issue/SHOP-2/comment"] = (401, {"errorMessages": ["Unauthorized; see log"]})
    with pytest.raises(Unreachable, match=r"^Jira refuses \(401\): .*What opens it: .* notify\.jira\.token$"):
        jira(Jira(server.url), None, {"token": "t"}, notice(changes=replace(CHANGES, went=())), 5)


def refusing(server, place, status, said):
    server.answers["GET" if place.endswith("comment") else "POST", f"/rest/api/2/issue/{place}"] = (
        status, {"errorMessages": [said]},
    )  # fmt: skip


def test_an_issue_that_jira_refuses_keeps_no_other_issue_and_no_later_notice_waiting(server, waiting):
    for key in ("SHOP-1", "PAY-3"):
        issue(server, key)
    refusing(server, "SHOP-2/comment", 403, "No permission")
    refusing(server, "PAY-3/transitions", 400, "Resolution is required.")
    named = Changes(
        (*CHANGES.came, replace(CHANGES.came[0], message="PAY-3"), replace(CHANGES.came[0], message="PAY-4"))
    )
    refusing(server, "PAY-4/comment", 403, "No permission")
    now = time.time()
    waiting.put("jira", notice(id="1", at=now - 9, changes=named))
    waiting.put("jira", notice(id="2", at=now, version="2026.11.23.08.00", changes=Changes(CHANGES.came[1:])))
    assert delivered(server, waiting, transition="Done") == [
        "jira refuses SHOP-2, PAY-4 (403: No permission), PAY-3 (400: Resolution is required); "
        "it is told no more of these"
    ]
    commented = [path for path, _ in written(server) if path.endswith("comment")]
    assert commented == ["SHOP-1/comment", "PAY-3/comment", "SHOP-1/comment"]
    assert waiting.waiting("jira", time.time()) == []


def test_what_jira_refused_is_named_also_where_the_next_verb_tells_the_rest(server, waiting):
    issue(server, "SHOP-1")
    refusing(server, "SHOP-2/comment", 403, "No permission")
    at = ("POST", "/rest/api/2/issue/SHOP-1/comment")
    well, server.answers[at] = server.answers[at], (503, {})
    waiting.put("jira", notice())
    assert delivered(server, waiting)[0].startswith("jira was not told: Jira refuses (503)")
    server.answers[at] = well
    assert delivered(server, waiting) == ["jira refuses SHOP-2 (403: No permission); it is told no more of these"]
    assert Counter(asked(server))["GET", "SHOP-2/comment"] == 1


def test_a_jira_that_lets_nobody_in_after_wrong_passwords_is_told_all_of_it_later(server, waiting):
    denied = {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=https://jira.foo/login.jsp"}
    for key in ("SHOP-1", "SHOP-2"):
        server.answers["GET", f"/rest/api/2/issue/{key}/comment"] = (403, {}, denied)
    waiting.put("jira", notice())
    (said,) = delivered(server, waiting)
    assert said.startswith("jira was not told: Jira refuses (403)")
    assert said.endswith("notify.jira.token")
    assert [one.id for _, one in waiting.waiting("jira", time.time())] == ["1"]


@pytest.mark.parametrize("status", [401, 408, 429, 500, 503])
def test_a_jira_that_is_away_or_lets_nobody_in_is_told_all_of_it_later(server, waiting, status):
    issue(server, "SHOP-1")
    refusing(server, "SHOP-2/comment", status, "no")
    waiting.put("jira", notice())
    (said,) = delivered(server, waiting)
    assert said.startswith(f"jira was not told: Jira refuses ({status})")
    assert [one.id for _, one in waiting.waiting("jira", time.time())] == ["1"]
    assert written(server) == []
