"""The gate of who is told: what can't be is refused with the path of its key."""

import pytest

from tasks.errors import BadConfig
from tasks.run import inventory

from .test_inventory import listing


def told(server):
    return listing(depl_notify={"zabbix": {"url": "https://zabbix.foo", "server": server}})


@pytest.mark.parametrize("server", ["h:0", "h:65536", "h:99999", "h:", "h", ":10051", "h:-1", "h:100510", "h:١"])
def test_a_server_of_values_is_a_host_and_a_port_that_can_be(server):
    with pytest.raises(
        BadConfig, match=r"depl_notify\.zabbix\.server: expected host:port, with a port from 1 to 65535"
    ):
        inventory.parse("test", told(server))


@pytest.mark.parametrize("server", ["h:1", "zabbix.foo:10051", "10.0.0.1:65535"])
def test_one_that_can_be_is_taken(server):
    assert inventory.parse("test", told(server)).notify.zabbix.server == server
