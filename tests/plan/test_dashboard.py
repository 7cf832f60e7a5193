"""An app's page in Zabbix: what was deployed, what is wrong, a chart for each figure; nothing over something else."""

import re

from tasks.plan import dashboard

from .test_monitoring import everything, found


def test_an_apps_dashboard_shows_what_was_asked_for_on_all_its_hosts():
    (page,) = dashboard.dashboard("app1", "production", ["web1", "web2"], ["7", "8"], ["41", "42"])["pages"]
    charts = {one["name"]: {field["value"] for field in one["fields"]} for one in page["widgets"]}
    for name in ("Live release answers", "Errors per version, %", "95th percentile per version, s", "Canary's share, %",
                 "Containers restarted"):  # fmt: skip
        assert {"app1 on web1", "app1 on web2"} <= charts[name]
    assert {"web1", "web2"} <= charts["Disk in use, %"]


def test_charts_name_items_that_there_are():
    names = [one["name"] for one in everything(found()) if "key" in one and "delay" in one]
    names = [name.replace("{#VERSION}", "2026.11.22.12.05") for name in names]
    (page,) = dashboard.dashboard("app1", "production", ["web1"], ["7"], ["41"])["pages"]
    for chart in (one for one in page["widgets"] if one["type"] == "svggraph"):
        (wanted,) = [field["value"] for field in chart["fields"] if field["name"] == "ds.items.0.0"]
        assert any(re.fullmatch(re.escape(wanted).replace(r"\*", ".*"), name) for name in names), wanted


def test_widgets_lie_beside_each_other():
    (page,) = dashboard.dashboard("app1", "production", ["web1"], ["7"], ["41"])["pages"]
    taken = [(x, y) for one in page["widgets"] for x in range(one["x"], one["x"] + one["width"])
             for y in range(one["y"], one["y"] + one["height"])]  # fmt: skip
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_what_was_deployed_is_shown_of_all_hosts_and_is_not_among_the_problems():
    (page,) = dashboard.dashboard("app1", "production", ["web1", "web2"], ["7", "8"], ["41", "42"])["pages"]
    (problems,) = [one for one in page["widgets"] if one["type"] == "problems"]
    (deploys,) = [one for one in page["widgets"] if one["type"] == "plaintext"]
    assert [one["value"] for one in deploys["fields"] if one["name"] == "itemids"] == ["41", "42"]
    assert [one["value"] for one in problems["fields"] if one["name"] == "severities"] == [2, 3, 4, 5]


def test_a_dashboard_has_its_environment_in_its_name_and_is_found_by_the_hosts_that_it_shows():
    made = dashboard.dashboard("app1", "production", ["web1", "web2"], ["7", "8"], ["41", "42"])
    assert made["name"] == dashboard.name("app1", "production") == "depl: app1 in production"
    assert dashboard.shown(made["pages"]) == {"web1", "web2", "app1 on web1", "app1 on web2"}
    assert dashboard.shown([]) == set()


def test_problems_are_those_of_the_apps_own_hosts():
    (page,) = dashboard.dashboard("app1", "production", ["web1", "web2"], ["7", "8"], ["41", "42"])["pages"]
    (problems,) = [one for one in page["widgets"] if one["type"] == "problems"]
    hosts = [(one["type"], one["value"]) for one in problems["fields"] if one["name"] == "hostids"]
    assert hosts == [(3, "7"), (3, "8")]
