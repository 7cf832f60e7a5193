"""What a branch's app is: on the staging host, with staging's values and services, and nothing of production's."""

import json
import re
from dataclasses import replace

import pytest

from tasks.errors import BadConfig, Refused
from tasks.model.branch import Branch
from tasks.model.environment import Branches, BranchPlacement, Host, Placement
from tasks.model.secrets import Secrets
from tasks.model.service import Need, Service
from tasks.plan import branches, container, install, needs, render, retire, variables
from tasks.plan.facts import digest

from .world import APP, APP1, ENVIRONMENT, TARGET, V1, V2, Story

STAGING = Host("staging", "staging")
BRANCH = Branch("app1", "feature/X-12", "feature-x-12")
SECRETS = Secrets(
    apps={"app1": {"SECRET_KEY": "production's"}},
    services={"database": {"password": "p"}, "staging-database": {"password": "s"}, "staging-queue": {"password": "q"}},
    branches={"app1": {"SECRET_KEY": "staging's"}},
)
PLACEMENT = BranchPlacement(
    ("staging.app1.foo", "foo.staging.app1.foo"),
    environment={"LEVEL": "debug"},
    services={"database": "staging-database", "queue": "staging-queue"},
)


def target(placement=PLACEMENT):
    services = {
        "database": Service("postgresql", "app1"),
        "staging-database": Service("postgresql", "staging"),
        "staging-queue": Service("redis", "staging"),
    }
    environment = replace(
        ENVIRONMENT,
        groups={**ENVIRONMENT.groups, "stagingservers": (STAGING,)},
        apps={"app1": Placement(("app1.foo",), environment={"LEVEL": "error", "MAIL": "real"})},
        services=services,
        branches=Branches("staging", {"app1": placement}),
    )
    app = replace(APP, services={"database": Need("postgresql"), "queue": Need("redis")}, environment={"A": "b"})
    return replace(TARGET, app=app, environment=environment, secrets=SECRETS)


def test_a_branch_gets_stagings_values_and_never_productions():
    found = variables.merged(branches.of(target(), BRANCH, 7), V1, STAGING)
    assert found["SECRET_KEY"] == "staging's"
    assert found["LEVEL"] == "debug"
    assert found["A"] == "b"
    assert "MAIL" not in found
    assert "production" not in str(found)


def test_who_lacks_a_variable_is_sent_to_where_branches_have_theirs():
    component = replace(APP.components["web"], needs=("API_TOKEN",))
    its, app = target(), replace(APP, components={"web": component})
    with pytest.raises(Refused) as told:
        variables.must_be_set(branches.of(replace(its, app=app), BRANCH, 7), V1, STAGING)
    assert str(told.value).splitlines() == [
        "web of app1--feature-x-12 needs API_TOKEN, which nobody set. Nothing was started.",
        "A secret: inv secrets.edit, as branches.app1.API_TOKEN",
        "A plain value: depl_branches.apps.app1.environment in conf/inventory/vagrant",
    ]
    with pytest.raises(Refused, match=r"as apps\.app1\.API_TOKEN\n.*depl_apps\.app1\.environment"):
        variables.must_be_set(replace(TARGET, app=app), V1, APP1)


def test_each_build_of_a_branch_has_a_database_of_its_own():
    its = branches.of(target(), BRANCH, 7)
    urls = [needs.variables(its, version, STAGING)["DATABASE_URL"] for version in (V1, V2)]
    assert urls[0].startswith("postgresql://app1--feature-x-12:")
    assert urls[0].endswith(f"@/app1--feature-x-12.{V1}?host=/run/services/staging-database")
    assert urls[0] != urls[1]


def test_a_branch_has_a_queue_of_its_own():
    found = needs.variables(branches.of(target(), BRANCH, 7), V1, STAGING)
    assert found["QUEUE_URL"].endswith("?db=7")


def test_a_branch_has_the_urls_of_its_label():
    its = branches.of(target(), BRANCH, 7)
    assert its.url == "http://feature-x-12.staging.app1.foo"
    assert its.placement.domains[1] == "feature-x-12.foo.staging.app1.foo"
    assert its.hosts == (STAGING,)
    assert its.layout.home == "/srv/depl/app1--feature-x-12"
    assert its.layout.site == "/srv/depl/nginx/app1--branches.conf"


def test_an_app_whose_branches_run_nowhere_is_refused():
    bare = replace(target(), environment=replace(target().environment, branches=None))
    with pytest.raises(Refused, match="Branches of app1 run nowhere"):
        branches.of(bare, BRANCH, 7)


def test_a_service_that_staging_lacks_is_named():
    with pytest.raises(BadConfig, match=r"depl_branches\.apps\.app1\.services: has no queue"):
        branches.of(target(replace(PLACEMENT, services={"database": "staging-database"})), BRANCH, 7)


def test_a_service_of_another_kind_is_named():
    wrong = replace(PLACEMENT, services={"database": "staging-database", "queue": "staging-database"})
    with pytest.raises(BadConfig, match=r"services\.queue: is a postgresql, but the app needs redis"):
        branches.of(target(wrong), BRANCH, 7)


def test_two_needs_that_would_be_one_service_are_named():
    wanted = target(replace(PLACEMENT, services={"database": "staging-database", "archive": "staging-database"}))
    app = replace(wanted.app, services={"database": Need("postgresql"), "archive": Need("postgresql")})
    with pytest.raises(BadConfig, match=r"app1\.services\.archive: staging-database stands for database already"):
        branches.of(replace(wanted, app=app), BRANCH, 7)


@pytest.mark.parametrize("needs_it", ["app1", "shop"])
def test_a_service_that_production_needs_is_none_for_branches(needs_it):
    environment = target().environment
    branches.must_be_apart("app1", environment, {"app1": {"database": Need("postgresql")}})
    needed = {"app1": {}, "shop": {}, needs_it: {"staging-queue": Need("redis")}}
    why = rf"depl_branches\.apps\.app1\.services\.queue: staging-queue is production's: conf/apps/{needs_it}\.yml needs"
    with pytest.raises(BadConfig, match=why):
        branches.must_be_apart("app1", environment, needed)


def inputs(steps):
    return {step.argv[2]: step.input.decode() for step in steps if step.argv[:2] == ("onhost", "write")}


def installing(branch, facts):
    plan = install.plan(branches.of(target(), branch, 7), V1, [replace(facts, host=STAGING, certificates={})])
    return [step for phase in plan.phases for step in phase.steps[STAGING]]


def test_all_branches_of_an_app_share_one_site_so_that_the_next_one_reloads_nothing():
    site = "/srv/depl/nginx/app1--branches.conf"
    first = inputs(installing(BRANCH, Story(site="another").facts()))[site]
    assert first == inputs(installing(Branch("app1", "main", "main"), Story(site="another").facts()))[site]
    there = replace(Story().facts(), site=digest(first))
    assert site not in inputs(installing(Branch("app1", "main", "main"), there))


def test_the_site_that_branches_share_can_be_written_before_any_of_them_is_there():
    wanted = branches.of(target(), BRANCH, 7)
    facts = replace(Story(site="another").facts(), host=STAGING, certificates={})
    (text,) = inputs(install.site_alone(wanted, facts)).values()
    assert install.site_alone(wanted, replace(facts, site=digest(text))) == ()
    with pytest.raises(Refused, match="inv bootstrap --only staging"):
        install.site_alone(wanted, replace(facts, certificates=None))


def test_only_a_versions_own_url_asks_the_waker_for_a_release():
    site = inputs(installing(BRANCH, Story(site="another").facts()))["/srv/depl/nginx/app1--branches.conf"]
    asking = [server for server in site.split("server_name ") if "X-Depl-Release $" in server]
    assert len(asking) == 1
    assert "depl_branch_version" in asking[0].partition("\n")[0]


def test_what_watches_a_branchs_container_is_lighter_than_what_watches_an_apps():
    written = inputs(installing(BRANCH, Story(site="another").facts()))
    assert "exec tail" in written[f"/srv/depl/supervisor/app1--feature-x-12-{V1}-web.conf"]
    assert (
        "exec tail"
        not in inputs(
            step for phase in install.plan(TARGET, V1, [Story().facts()]).phases for step in phase.steps[APP1]
        )[f"/srv/depl/supervisor/app1-{V1}-web.conf"]
    )


def test_the_waker_is_told_when_a_release_is_healthy():
    written = inputs(installing(BRANCH, Story(site="another").facts()))
    (release,) = [text for path, text in written.items() if path.endswith("/release.json")]
    assert json.loads(release)["health"] == [APP.health.path, APP.health.timeout]


def test_what_sleeps_is_removed_with_its_release():
    name = f"app1--feature-x-12-{V1}-web"
    asleep = f"/srv/depl/supervisor/{name}.conf.asleep"
    its = branches.of(target(), BRANCH, 7)
    steps = retire.remove(its, Story().facts(), V1, None, [], why="remove it")
    assert any(asleep in step.argv for step in steps)
    assert any(asleep in step.argv for step in container.end([name], 30, "end it"))


def test_errors_carry_the_version_that_made_them_and_whether_it_is_a_branch():
    found = variables.merged(branches.of(target(), BRANCH, 7), V1, STAGING)
    assert (found["SENTRY_RELEASE"], found["SENTRY_ENVIRONMENT"]) == (str(V1), "vagrant-branches")
    assert variables.merged(TARGET, V1, STAGING)["SENTRY_ENVIRONMENT"] == "vagrant"
    own = replace(TARGET, app=replace(APP, environment={"SENTRY_RELEASE": "shop@1"}))
    assert variables.merged(own, V1, STAGING)["SENTRY_RELEASE"] == "shop@1"


def locations(text):
    """The locations of nginx's configuration, each with what it says."""
    blocks = re.findall(r"^    location (?:= )?(\S+) \{\n(.*?)^    \}", text, re.S | re.M)
    assert blocks
    return blocks


def sites():
    """nginx's configuration of an app's branches, and of the app itself."""
    yield render.branches(APP, "app1", PLACEMENT.domains, ENVIRONMENT)
    yield render.site(APP, TARGET.placement, ENVIRONMENT)


@pytest.mark.parametrize("site", sites(), ids=["branches", "app"])
def test_no_app_leads_nginx_to_another_location(site):
    """Only what wakes branches does: an app would name the socket that nginx opens next."""
    for name, said in locations(site):
        if "proxy_pass " in said:
            assert ("proxy_ignore_headers X-Accel-Redirect;" in said) == (name != "@wake"), name


def test_where_the_waker_leads_to_is_the_name_of_a_release():
    text = render.branches(APP, "app1", PLACEMENT.domains, ENVIRONMENT)
    assert "set $depl_branch_awake $depl_app1__branches_woken;" in text
    (name,) = re.findall(r'\n    "~(\S+)" \$upstream_http_x_depl_release;', text)
    assert text.count("$upstream_http_x_depl_release") == 2
    assert re.search(name, "2026.11.22.12.05@3")
    for path in (
        "../../app1--b/releases/2026.11.22.12.05@3",
        "../../services/queue.sock:/x",
        "2026.11.22.12.05@3/",
        "",
    ):
        assert not re.search(name, path)
