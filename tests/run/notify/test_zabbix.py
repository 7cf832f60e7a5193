"""What Zabbix is told of deploys, and of hosts that leave and come: by its own protocols."""

import socket
import socketserver
import threading
import time
from contextlib import closing

import pytest

from tasks.errors import DeplError, Unreachable
from tasks.model.notice import ADD, DRAIN, Notify, Zabbix
from tasks.run.notify import receivers
from tasks.run.notify.refusals import PassedOver

from .monitoring import PASSWORD, watching
from .notices import about_host, notice

BOTH = ("app1 on app1", "app1 on app2", "app1", "app2")


@pytest.fixture
def known():
    with watching(*BOTH) as found:
        yield found


def tell(known, one, password=PASSWORD, **at):
    (receiver,) = receivers.of(
        Notify(zabbix=Zabbix(**{"url": known.url, "server": known.server, **at})), {"zabbix": {"password": password}}
    )
    receiver.tell(one, 5)


def sentences(known):
    return [(one["host"], one["clock"], one["value"]) for one in known.values if one["key"] == "depl.told"]


def test_a_deploy_is_a_sentence_that_is_over_a_second_later_on_each_host_at_its_own_time(known):
    one = notice(at=1_763_900_000.25)
    tell(known, one)
    assert sentences(known) == [
        (f"app1 on {host}", 1_763_900_000 + over, "-" if over else one.text)
        for host in ("app1", "app2")
        for over in (0, 1)
    ]
    assert {one["ns"] for one in known.values} == {250_000_000}


def test_a_canarys_share_is_a_number(known):
    tell(known, notice("canary", percent=12.5))
    assert [(one["host"], one["value"]) for one in known.values if one["key"] == "depl.share"] == [
        ("app1 on app1", "12.5"),
        ("app1 on app2", "12.5"),
    ]


def test_a_host_that_zabbix_does_not_know_is_passed_over_and_said_and_all_others_are_told_once(known):
    known.hosts.remove("app1 on app1")
    with pytest.raises(PassedOver, match="doesn't know app1 on app1, so it was told nothing there: inv infra.apps"):
        tell(known, notice())
    assert [host for host, _, _ in sentences(known)] == ["app1 on app2"] * 2
    assert {one["host"] for one in known.values if one["key"] == "depl.share"} == {"app1 on app2"}


def test_of_an_app_that_zabbix_does_not_know_nothing_is_kept(known):
    with pytest.raises(PassedOver, match="doesn't know shop on app1, shop on app2, so"):
        tell(known, notice(app="shop"))
    assert known.values == []


def test_a_deploy_needs_no_password(known):
    tell(known, notice(), password="", url="http://127.0.0.1:9")
    assert len(sentences(known)) == 4


def test_values_go_to_the_host_of_the_pages_where_no_server_is_named(known):
    with pytest.raises(DeplError, match="Zabbix's server at 127.0.0.1:10051 takes no values"):
        tell(known, notice(), server="")


def test_a_server_that_is_not_there_is_named_in_one_line(known):
    with pytest.raises(DeplError, match=r"Zabbix's server at 127\.0\.0\.1:9 takes no values: ") as error:
        tell(known, notice(), server="127.0.0.1:9")
    assert len(str(error.value).splitlines()) == 1


def test_one_that_takes_values_and_never_answers_is_left_in_time(known):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        (receiver,) = receivers.of(
            Notify(zabbix=Zabbix(known.url, f"127.0.0.1:{silent.getsockname()[1]}")), {"zabbix": {}}
        )
        with pytest.raises(DeplError, match="takes no values: timed out"):
            receiver.tell(notice(), 0.5)


def test_what_speaks_another_protocol_is_named(known):
    class Mail(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"220 mail.example.com ESMTP\r\n")
            self.request.recv(65536)

    with socketserver.TCPServer(("127.0.0.1", 0), Mail) as mail:
        threading.Thread(target=mail.handle_request, daemon=True).start()
        with pytest.raises(DeplError, match="takes no values: Unexpected response"):
            tell(known, notice(), server=f"127.0.0.1:{mail.server_address[1]}")


# --- hosts that leave and come ---


def test_a_drained_host_has_a_window_as_long_as_the_inventory_says(known):
    one = about_host(DRAIN)
    tell(known, one, maintenance=7200)
    assert known.names == ["depl: app1", "depl: app1 on app1"]
    for window in known.windows.values():
        assert (window["active_since"], window["active_till"]) == (int(one.at), int(one.at) + 7200)
        assert window["maintenance_type"] == 0
        assert [period["period"] for period in window["timeperiods"]] == [7200]
        assert window["description"] == "app1 gets no traffic of app1 in production (by ana@deploy)"
    assert [window["hosts"] for window in known.windows.values()] == [[{"hostid": "0"}], [{"hostid": "2"}]]
    assert sentences(known)[0][2] == "app1 gets no traffic of app1 in production (by ana@deploy)"


def test_a_host_that_another_app_serves_on_keeps_its_alarms_until_that_is_drained_too(known):
    known.hosts.append("shop on app1")
    known.answering = ["app1 on app1", "app1 on app2", "shop on app1"]
    tell(known, about_host(DRAIN))
    assert known.names == ["depl: app1 on app1"]
    tell(known, about_host(DRAIN, app="shop"))
    assert known.names == ["depl: app1", "depl: app1 on app1", "depl: shop on app1"]


def test_to_drain_again_makes_the_window_longer(known):
    tell(known, about_host(DRAIN, at=time.time() - 600))
    tell(known, later := about_host(DRAIN))
    assert known.names == ["depl: app1", "depl: app1 on app1"]
    assert {window["active_since"] for window in known.windows.values()} == {int(later.at)}


def test_a_host_that_comes_back_has_its_alarms_again_and_others_keep_their_windows(known):
    tell(known, about_host(DRAIN))
    tell(known, about_host(DRAIN, "app2"))
    tell(known, about_host(ADD))
    assert known.names == ["depl: app2", "depl: app1 on app2"][::-1]
    tell(known, about_host(ADD))
    assert len(known.windows) == 2


def test_a_drain_that_is_told_too_late_makes_no_window(known):
    tell(known, about_host(DRAIN, at=time.time() - 5 * 3600))
    assert known.names == []
    assert len(sentences(known)) == 2


def test_what_zabbix_does_not_know_has_no_window(known):
    with pytest.raises(PassedOver, match="doesn't know shop on app1, so it was told nothing there: inv infra.apps"):
        tell(known, about_host(DRAIN, app="shop"))
    assert known.names == []


@pytest.mark.parametrize("verb", [DRAIN, ADD])
def test_a_wrong_password_and_none_are_told(known, verb):
    wrong = r"^Zabbix at http://\S+ refuses user \S+ with notify.zabbix.password: .*ncorrect user name"
    with pytest.raises(Unreachable, match=wrong):
        tell(known, about_host(verb), password="wrong")
    with pytest.raises(DeplError, match="nobody set its password: inv secrets.edit, as notify.zabbix.password"):
        tell(known, about_host(verb), password="")
    assert known.values == []
