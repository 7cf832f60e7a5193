"""Who gets traffic, as plans: on all balancers the same, on none without a healthy host behind it."""

from collections import Counter
from dataclasses import replace

import pytest

from tasks.errors import Refused, StepFailed
from tasks.model.environment import Host
from tasks.model.release import Release
from tasks.plan import balancer, catch_up, hosts, overview, promote, render
from tasks.plan.balancer import Shares

from .world import APP1, APP2, ENVIRONMENT, NOW, TARGET, V1, V2, V3, Story, argvs, installed, whys

APP3 = Host("app3", "app3")
B1, B2 = Host("b1", "b1"), Host("b2", "b2")
BALANCED = replace(
    TARGET,
    environment=replace(ENVIRONMENT, groups={"appservers": (APP1, APP2, APP3), "balancers": (B1, B2)}),
)
ADDRESSES = {"app1": "192.0.2.1", "app2": "192.0.2.2", "app3": "192.0.2.3"}
LAYOUT = BALANCED.layout


def answer(**changed):
    """What templates/host/onhost.py says of a balancer that knows nothing yet."""
    fresh = {"site": None, "live": None, "table": None, "tables": [], "certificates": {}, "audit": []}
    return {**fresh, "addresses": ADDRESSES, "answers": dict.fromkeys(ADDRESSES, 200), **changed}


def says(host=B1, *names, at=NOW - 60, **changed):
    """A balancer whose table names these hosts, read as over the wire."""
    if names:
        shares = Shares(hosts.spread((), names), {name: ADDRESSES[name] for name in names}, at)
        live = {"link": "routes/3", "counts": dict(Counter(way.rpartition("/")[2] for way in shares.ways))}
        table = {**shares.description, "at": at, "by": "ana"}
        site = render.balancer(TARGET.app, TARGET.placement, ENVIRONMENT)
        changed = {"site": site, "live": live, "table": table, "tables": [1, 2, 3], **changed}
    return balancer.parse(host, answer(**changed))


def tables(plan, host):
    """What a plan gives a host's new routing tables to read."""
    steps = [step for phase in plan.phases for step in phase.steps.get(host, ())]
    return [step.input.decode() for step in steps if step.argv[1] == "table"]


def test_what_a_balancer_has_comes_back_as_it_was_written():
    found = says(B1, "app1", "app2")
    assert found.intact
    assert found.shares.hosts == ("app1", "app2")
    assert found.number == 3
    assert not hosts.keep(BALANCED, [found])


def test_a_balancer_that_knows_nothing_gets_all_hosts():
    plan = hosts.keep(BALANCED, [says(B1)])
    assert [phase.name for phase in plan.phases] == ["prepare", "flip", "site"]
    assert "send visitors to app1, app2, app3" in whys(plan, B1)


def test_a_new_balancer_gets_what_the_others_have():
    plan = hosts.keep(BALANCED, [says(B1, "app1", "app3"), says(B2)])
    assert whys(plan, B1) == []
    assert "send visitors to app1, app3" in whys(plan, B2)


def test_a_host_leaves_on_all_balancers_and_none_flips_before_all_are_prepared():
    plan = hosts.drain(BALANCED, APP2, [says(B1, "app1", "app2"), says(B2, "app1", "app2")])
    assert [phase.name for phase in plan.phases] == ["prepare", "flip"]
    for host in (B1, B2):
        assert "send visitors to app1" in whys(plan, host)
    assert hosts.drain(BALANCED, APP2, [says(B1, "app1")]) == hosts.keep(BALANCED, [says(B1, "app1")])


def test_a_change_of_who_gets_traffic_does_not_reload_nginx():
    for change in hosts.drain, hosts.add:
        plan = change(BALANCED, APP2, [says(B1, "app1", "app2")])
        assert not [argv for argv in argvs(plan, B1) if "reload" in argv]


def test_a_bucket_leads_to_its_host_and_to_another_one_that_stands_in():
    shares = Shares(hosts.spread((), ["app1", "app2"]), ADDRESSES)
    assert set(shares.ways) == {"hosts/192.0.2.1+192.0.2.2", "hosts/192.0.2.2+192.0.2.1"}
    assert set(Shares(("app1",) * 1000, ADDRESSES).ways) == {"hosts/192.0.2.1+"}


def test_the_last_host_stays():
    with pytest.raises(Refused, match="only host of app1 that gets traffic.*\n.*hosts.add"):
        hosts.drain(BALANCED, APP1, [says(B1, "app1")])


def test_a_host_stays_while_no_other_one_is_healthy():
    with pytest.raises(Refused, match="without app2 nobody would serve"):
        hosts.drain(BALANCED, APP2, [says(B1, "app1", "app2", answers={"app1": 0, "app2": 200})])


def test_a_dead_host_can_leave():
    assert hosts.drain(BALANCED, APP2, [says(B1, "app1", "app2", answers={"app1": 200, "app2": 0})])


@pytest.mark.parametrize(("status", "words"), [(0, "does not answer b1"), (503, "answers 503 to b1")])
def test_a_host_that_is_not_healthy_gets_no_traffic(status, words):
    with pytest.raises(Refused, match=f"{words}.*no traffic.*\n.*inv hosts.add app2"):
        hosts.add(BALANCED, APP2, [says(B1, "app1", answers={"app1": 200, "app2": status})])


def test_a_host_without_an_address_gets_no_traffic():
    with pytest.raises(Refused, match="b1 can't find the address of app2"):
        hosts.add(BALANCED, APP2, [says(B1, "app1", addresses={"app1": "192.0.2.1", "app2": None})])


def test_a_host_whose_address_changed_is_told_of_and_found_again():
    moved = says(B1, "app1", "app2", addresses={**ADDRESSES, "app2": "192.0.2.9"})
    assert hosts.behind(BALANCED, [moved]) == ["b1"]
    assert "192.0.2.9" in tables(hosts.add(BALANCED, APP1, [moved]), B1)[0]


def test_a_table_edited_by_hand_is_told_of():
    found = replace(says(B1, "app1", "app2"), intact=False)
    assert hosts.behind(BALANCED, [found]) == ["b1"]


def test_a_host_that_left_the_inventory_leaves_traffic_with_the_next_change():
    smaller = replace(ENVIRONMENT, groups={**BALANCED.environment.groups, "appservers": (APP1, APP3)})
    plan = hosts.add(replace(BALANCED, environment=smaller), APP3, [says(B1, "app1", "app2")])
    assert "192.0.2.2" not in tables(plan, B1)[0]


def test_old_tables_go_and_the_live_one_stays():
    many = says(B1, "app1", "app2", tables=list(range(1, 40)))
    (gone,) = [argv for argv in argvs(hosts.drain(BALANCED, APP2, [many]), B1) if argv[1] == "remove"]
    assert LAYOUT.table(1) in gone
    assert LAYOUT.table(3) not in gone, "it is live"
    assert LAYOUT.table(39) not in gone


@pytest.mark.parametrize(
    "changed",
    [{"addresses": {"app1": "192.0.2.1; }"}}, {"addresses": {"app1": "../x"}}, {"answers": {"app1": "x"}}, {"live": 7}],
)
def test_an_answer_that_makes_no_sense_is_refused(changed):
    with pytest.raises(StepFailed, match="b1: its answer makes no sense"):
        balancer.parse(B1, answer(**changed))


# --- what `inv status` says ---


def test_status_tells_who_gets_no_traffic_and_how_it_comes_back():
    facts = [Story(APP1).went_live(Release(V1, 0)).facts(), Story(APP2).went_live(Release(V2, 0)).facts()]
    found = [says(B1, "app1")]
    said = overview.balance(BALANCED, found, facts, {"app3": "no answer"})
    assert said == [
        f"app2 gets no traffic; live there is {V2}.  back: inv hosts.add app2",
        "app3 gets no traffic; did not answer (no answer).  back: inv hosts.add app3",
    ]


def test_status_tells_of_balancers_that_do_not_agree():
    found = [says(B1, "app1", "app2", at=NOW - 9), says(B2, "app1", "app2", "app3")]
    facts = [Story(host).went_live(Release(V1, 0)).facts() for host in (APP1, APP2, APP3)]
    assert overview.balance(BALANCED, found, facts, {}) == [
        "b2: visitors are not spread as they should be.  again: inv hosts.add app1"
    ], "no host is out as long as one balancer sends it visitors"


def test_without_balancers_status_says_nothing_of_them():
    assert overview.balance(TARGET, [], [], {}) == []


# --- a host catches up ---


def world():
    """App1 has the canary V3 beside V2, and came from V1; app2 is new."""
    rich = Story(APP1).has(installed(V1, 0), installed(V2, 1), installed(V3, 2))
    rich.went_live(Release(V1, 0), at=1).went_live(Release(V2, 1), V1, at=2, canary=Release(V3, 2), share=50)
    return [rich.facts(), Story(APP2).facts()]


def test_a_new_host_needs_live_the_canary_and_the_way_back():
    like = catch_up.example(APP2, ["app1"], world())
    assert catch_up.versions(APP2, like, world()) == (V1, V2, V3)
    assert "pull deploy:5000/app1:2026.11.22.12.02" in whys(
        catch_up.release(BALANCED, APP2, V2, ["app1"], world()), APP2
    )


def test_a_way_back_that_nobody_has_any_more_is_not_needed():
    facts = [replace(world()[0], installed=world()[0].installed[1:]), world()[1]]
    assert catch_up.versions(APP2, catch_up.example(APP2, ["app1"], facts), facts) == (V2, V3)


def test_a_host_gets_the_table_of_the_others_in_its_own_slots_and_rolls_back_with_them():
    rich, new = world()
    story = Story(APP2).has(installed(V2, 5), installed(V3, 6), installed(V1, 4))
    like = catch_up.example(APP2, ["app1"], [rich, new])
    (table,) = tables(catch_up.table(BALANCED, APP2, like, [rich, story.facts()]), APP2)
    for words in (f'"live": "{V2}@5"', f'"canary": "{V3}@6"', '"share": 50', f'"previous": "{V1}"', '"at": 2'):
        assert words in table
    story.went_live(Release(V2, 5), V1, at=2, canary=Release(V3, 6), share=50)
    assert not catch_up.table(BALANCED, APP2, like, [rich, story.facts()])
    assert promote.former([rich, story.facts()]) == V1


def test_only_hosts_with_traffic_are_an_example():
    facts = [Story(APP1).went_live(Release(V1, 0)).facts(), Story(APP3).went_live(Release(V2, 0)).facts()]
    assert catch_up.example(APP2, ["app1"], facts).table.live.version == V1
    assert catch_up.example(APP2, ["app2"], facts) is None
    with pytest.raises(Refused, match="do not agree"):
        catch_up.example(APP2, ["app1", "app3"], facts)


def test_a_sick_live_release_is_installed_anew_where_nobody_is_sent():
    sick = Story(APP2).has(installed(V1, 0, health=0, state="exited")).went_live(Release(V1, 0)).facts()
    assert catch_up.release(BALANCED, APP2, V1, ["app1"], [sick])
    with pytest.raises(Refused, match="inv rollback"):
        catch_up.release(BALANCED, APP2, V1, ["app1", "app2"], [sick])
