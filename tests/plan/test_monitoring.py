"""What Zabbix is told: identifiers that stay, figures that the program on hosts really writes, a chart for each."""

import json
import re

from tasks.plan import monitoring
from tasks.plan.monitoring import DEPLOYS


def found():
    return json.loads(monitoring.templates())["zabbix_export"]["templates"]


def everything(of):
    """All dictionaries in what is told, however deep."""
    if isinstance(of, dict):
        yield of
    for one in of.values() if isinstance(of, dict) else of if isinstance(of, list) else ():
        yield from everything(one)


def test_identifiers_have_the_form_of_version_4_and_no_two_are_the_same():
    known = [one["uuid"] for one in everything(found()) if "uuid" in one]
    assert len(known) == len(set(known)) > 20
    assert all(re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}8[0-9a-f]{15}", one) for one in known)


def test_the_same_is_told_each_time():
    assert monitoring.templates() == monitoring.templates()


def test_every_figure_comes_from_the_one_file_that_a_host_is_asked_for():
    of_apps = found()[0]
    dependent = [one for one in everything(of_apps) if one.get("type") == "DEPENDENT" and one["key"] != DEPLOYS]
    assert {one["master_item"]["key"] for one in dependent} == {"depl.figures[{$APP}]"}
    assert [one["key"] for one in of_apps["items"] if "type" not in one] == ["depl.figures[{$APP}]"]


def test_every_trigger_names_an_item_of_its_template():
    for template in found():
        keys = {one["key"] for one in everything(template) if "key" in one and "delay" in one}
        for trigger in (one for one in everything(template) if "expression" in one):
            (key,) = re.findall(rf"/{template['template']}/([^)]*?\]|[a-z.]+)[,)]", trigger["expression"])
            assert key in keys


def test_what_was_deployed_is_kept_without_what_ends_its_event():
    (deploys,) = [one for one in everything(found()) if one.get("key") == DEPLOYS]
    (only,) = deploys["preprocessing"]
    assert deploys["master_item"]["key"] == monitoring.TOLD
    assert (only["type"], only["error_handler"]) == ("NOT_MATCHES_REGEX", "DISCARD_VALUE")
    (pattern,) = only["parameters"]
    assert re.search(pattern, monitoring.OVER)
    assert not re.search(pattern, "app1 2026.11.22.12.05 is live in production, after - (by ana@deploy)")


def test_a_deploy_is_information_and_no_problem_of_its_app():
    (event,) = [one for one in everything(found()) if one.get("event_name")]
    assert event["priority"] == "INFO"
