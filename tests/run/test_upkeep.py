"""What is done to services whose host doesn't answer: named in a line or two, before anything is built or begun."""

import io
import socket
from dataclasses import replace

import pytest

from tasks.errors import DeplError
from tasks.model.environment import Host
from tasks.run import upkeep
from tasks.run.report import Report

from ..plan.estate import ESTATE


@pytest.fixture(params=["closed", "no name"])
def unreachable(request, tmp_path):
    """The services on a host that nobody finds: its port is closed, or DNS knows no such name."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    host = Host("app1", "127.0.0.1", port) if request.param == "closed" else Host("app1", "nowhere.invalid")
    known = tmp_path / "known_hosts"
    known.touch()
    environment = replace(ESTATE.environment, groups={"servicehosts": (host,)}, known_hosts=str(known), apps={})
    return replace(ESTATE, environment=environment)


VERBS = {
    "up": lambda estate, report: upkeep.bring_up("up", estate, [estate], report, False, frozenset()),
    "upgrade": lambda estate, report: upkeep.bring_up("up", estate, [estate], report, False, frozenset({"database"})),
    "backup": lambda estate, report: upkeep.back_up("backup", estate, None, report, False),
    "restore": lambda estate, report: upkeep.restore("restore", estate, ["database"], None, report, False),
    "status": lambda estate, _: upkeep.show(estate, "services", json=False),
    "status --json": lambda estate, _: upkeep.show(estate, "services", json=True),
    "logs": lambda estate, _: upkeep.show_log(estate, "database", follow=False, lines="50"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_host_that_does_not_answer_is_named_before_anything_else_is_tried(unreachable, verb):
    with pytest.raises(DeplError) as refused:
        VERBS[verb](unreachable, Report(io.StringIO()))
    said = str(refused.value)
    assert "app1" in said
    assert "can't be reached: " in said
    assert len(said.splitlines()) <= 3
