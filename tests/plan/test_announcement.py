"""Which hosts in Zabbix raise no alarm when an app left a host."""

import pytest

from tasks.plan.announcement import drained

LATER, NOW = 2000.0, 1000.0


@pytest.mark.parametrize(
    ("answering", "windows", "quiet"),
    [
        ({"shop on web1"}, {}, ["shop on web1", "web1"]),
        ({"shop on web1", "pay on web2"}, {}, ["shop on web1", "web1"]),
        ({"shop on web1", "pay on eu-web1"}, {}, ["shop on web1", "web1"]),
        ({"shop on web1", "pay on web1"}, {}, ["shop on web1"]),
        ({"shop on web1", "pay on web1"}, {"depl: pay on web1": LATER}, ["shop on web1", "web1"]),
        ({"shop on web1", "pay on web1"}, {"depl: pay on web1": NOW - 1}, ["shop on web1"]),
    ],
)
def test_a_host_is_quiet_once_no_app_serves_on_it_any_more(answering, windows, quiet):
    assert drained("shop", "web1", answering, windows, NOW) == quiet
