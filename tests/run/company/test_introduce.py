"""Where monitoring can't be asked, or a host can't be found, that is said by its name, and what can be done is done."""

import io
from dataclasses import replace

from tasks.model.environment import Host
from tasks.run.company import introduce
from tasks.run.report import Report

from ...plan.world import APP1, ENVIRONMENT


def test_a_host_that_can_not_be_looked_up_is_named_and_the_others_are_watched():
    lost = Host("app2", "app2.nowhere.invalid")
    here = replace(APP1, address="127.0.0.1")
    out = io.StringIO()
    found = introduce.watched(replace(ENVIRONMENT, groups={"appservers": (here, lost)}), Report(out))
    assert {one.address for one in found} == {"127.0.0.1"}
    assert "Note: app2 can't be looked up here, and is not watched. Give it an ansible_host" in out.getvalue()
