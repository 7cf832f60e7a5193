"""Who wakes branches: one start however many ask, visits read off logs that rotate, nobody held who looks at a page."""

import http.server
import json
import os
import socket
import socketserver
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress

import httpx
import pytest
from waker import folder, idle, machine, server, waking
from waker.visits import Visits, visit

FEATURE = "app1--feature"
RELEASE = "2026.11.22.12.05@0"
NEXT = "2026.11.22.12.06@1"
BROWSER = {"X-Depl-Method": "GET", "Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}


def line(at, branch="feature", release=RELEASE):
    return json.dumps({"time": at, "app": "app1", "branch": branch, "release": release}) + "\n"


# --- visits ---


@pytest.fixture
def log(tmp_path):
    return tmp_path / "depl-app1--branches.log"


@pytest.fixture
def visits(tmp_path):
    with closing(Visits(f"{tmp_path}/seen.json", f"{tmp_path}/depl-*--branches.log")) as found:
        yield found


def write(log, text):
    with log.open("a") as out:
        out.write(text)


def test_the_last_visit_of_each_branch_is_known(visits, log):
    write(log, line(1) + line(5, "other") + line(3))
    visits.look([FEATURE, "app1--other"])
    assert visits.seen == {FEATURE: 3, "app1--other": 5}


def test_half_a_line_counts_when_its_end_has_come(visits, log):
    whole = line(7)
    write(log, whole[:20])
    visits.look([FEATURE])
    assert visits.seen == {}
    write(log, whole[20:])
    visits.look([FEATURE])
    assert visits.seen == {FEATURE: 7}


def test_a_rotation_loses_no_visit(visits, log):
    write(log, line(1))
    visits.look([FEATURE])
    write(log, line(2))
    log.rename(f"{log}.1")
    write(log, line(3, "other"))
    visits.look([FEATURE, "app1--other"])
    assert visits.seen == {FEATURE: 2, "app1--other": 3}


def test_what_was_seen_outlives_a_restart_and_a_rotation_meanwhile(visits, log, tmp_path):
    write(log, line(1))
    visits.look([FEATURE, "app1--other"])
    write(log, line(2, "other"))
    log.rename(f"{log}.1")
    write(log, "")
    with closing(Visits(f"{tmp_path}/seen.json", f"{tmp_path}/depl-*--branches.log")) as later:
        assert later.seen == {FEATURE: 1}
        later.look([FEATURE, "app1--other"])
    assert later.seen == {FEATURE: 1, "app1--other": 2}


def test_branches_that_are_gone_are_forgotten(visits, log):
    write(log, line(1))
    visits.look([])
    assert visits.seen == {}


@pytest.mark.parametrize(
    "text",
    ["", "\n", "no JSON\n", "[]\n", "3\n", '{"time":"x","app":"a","branch":"b","release":"r"}\n', line(1, release="")],
)
def test_a_line_that_is_no_visit_is_none(text):
    assert visit(text.encode())[0] is None


# --- wakes ---


def test_fifty_who_ask_at_once_start_a_branch_once():
    begun, go = [], threading.Event()

    def way(*asked):
        begun.append(asked)
        go.wait(20)
        return RELEASE

    wakes = waking.Wakes(way)
    with ThreadPoolExecutor(50) as visitors:
        futures = list(visitors.map(lambda _: wakes.of(FEATURE, RELEASE), range(50)))
    go.set()
    assert {future.result(20) for future in futures} == {RELEASE}
    assert begun == [(FEATURE, RELEASE)]


def test_a_branch_that_can_not_be_woken_is_not_tried_again_at_once():
    begun = []

    def way(*asked):
        begun.append(asked)
        raise folder.CannotWakeError("It exited 1.")

    wakes = waking.Wakes(way)
    first = wakes.of(FEATURE, RELEASE).exception(20)
    assert wakes.of(FEATURE, RELEASE).exception(20) is first
    assert len(begun) == 1
    wakes.of("app1--other", RELEASE).exception(20)
    assert begun[-1] == ("app1--other", RELEASE)


def test_a_branch_that_is_awake_is_looked_at_anew():
    begun = []
    wakes = waking.Wakes(lambda *asked: begun.append(asked) or RELEASE)
    wakes.of(FEATURE, RELEASE).result(20)
    while len(begun) < 2:
        wakes.of(FEATURE, RELEASE).result(20)


def test_what_failed_of_one_build_is_not_held_against_the_next(root):
    begun = []

    def way(*asked):
        begun.append(folder.live(FEATURE))
        raise folder.CannotWakeError("It exited 1.")

    wakes = waking.Wakes(way)
    for release in (RELEASE, NEXT):
        goes_live(root, release)
        wakes.of(FEATURE, "").exception(20)
    assert begun == [RELEASE, NEXT]


# --- which release answers ---


@pytest.fixture
def root(tmp_path_factory, monkeypatch):
    """The folder of all apps; a socket's path may have 107 characters."""
    there = tmp_path_factory.mktemp("r")
    for module in (folder, waking):
        monkeypatch.setattr(module, "ROOT", str(there))
    monkeypatch.setattr(machine, "DOCKER", f"{there}/docker.sock")
    return there


def goes_live(root, release):
    home = root / FEATURE
    (home / "releases" / release / "run").mkdir(parents=True)
    (home / "live").mkdir(exist_ok=True)
    (home / "live" / "new").symlink_to(f"../releases/{release}")
    (home / "live" / "new").rename(home / "live" / "000")


@contextmanager
def answering(path, status, body=b"{}", meanwhile=lambda: None):
    """Answer all that is asked on a unix socket, after something else happened."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            meanwhile()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self):
            return "a unix socket"

        def log_message(self, *_):
            pass

    with socketserver.UnixStreamServer(str(path), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield
        running.shutdown()


def web(root, release):
    return root / FEATURE / "releases" / release / "run" / "web.sock"


def test_whoever_comes_while_a_build_is_replaced_gets_the_next_one(root):
    def replaced():
        if folder.live(FEATURE) == RELEASE:
            goes_live(root, NEXT)
            up.enter_context(answering(web(root, NEXT), 200))

    goes_live(root, RELEASE)
    with ExitStack() as up:
        up.enter_context(answering(machine.DOCKER, 404, b'{"message": "No such container"}', replaced))
        assert waking.wake(FEATURE, "") == NEXT


def test_a_version_is_answered_by_itself_or_said_to_be_gone(root):
    goes_live(root, NEXT)
    with answering(web(root, NEXT), 200):
        assert waking.wake(FEATURE, NEXT) == waking.wake(FEATURE, "") == NEXT
        with pytest.raises(folder.CannotWakeError, match=r"Its build 2026\.11\.22\.12\.05 is no longer there"):
            waking.wake(FEATURE, RELEASE)


def test_a_branch_without_a_build_is_said_to_have_none(root):
    with pytest.raises(folder.CannotWakeError, match="no build that works"):
        waking.wake(FEATURE, "")


def test_a_lock_that_was_waited_for_is_not_that_of_another_branch_with_the_label(root):
    path = root / FEATURE / "lock"
    path.parent.mkdir(parents=True)
    path.touch()
    with path.open("r+") as lock:
        path.unlink()
        path.touch()
        with pytest.raises(folder.CannotWakeError, match="no such branch"):
            folder.take(lock, str(path), 0)
    with folder.locked(FEATURE, "wake", 0):
        assert json.loads(path.read_text())["verb"] == "wake"


@contextmanager
def trickling(path, first):
    """Answer with this, and then a byte now and again without an end."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with suppress(OSError):
                self.request.sendall(first)
                while not over.wait(0.1):
                    self.request.sendall(b"x")

    over = threading.Event()
    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield
        finally:
            over.set()
            running.shutdown()


def test_a_page_of_health_without_an_end_is_healthy_by_its_first_line(root):
    goes_live(root, RELEASE)
    with trickling(web(root, RELEASE), b"HTTP/1.1 200 OK\r\nX: "):
        assert waking.wake(FEATURE, "") == RELEASE


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1", b"HTTP/1.1 2"])
def test_a_page_of_health_that_never_says_how_it_is_ends_with_the_apps_patience(root, first):
    goes_live(root, RELEASE)
    (root / FEATURE / "releases" / RELEASE / "release.json").write_text('{"health": ["/healthz", 0.4]}')
    running = b'{"State": {"Status": "running"}}'
    with trickling(web(root, RELEASE), first), answering(machine.DOCKER, 200, running):
        asked = ThreadPoolExecutor(1).submit(waking.wake, FEATURE, "")
        with pytest.raises(folder.CannotWakeError, match="does not get healthy"):
            asked.result(4)


# --- what nginx asks ---


class Slow:
    """Wakes that end when they are told to."""

    def __init__(self):
        self.asked, self.go, self.error = [], threading.Event(), None
        self._wakes = waking.Wakes(self._way)

    def of(self, *asked):
        return self._wakes.of(*asked)

    def _way(self, name, release):
        self.asked.append((name, release))
        self.go.wait(20)
        if self.error:
            raise folder.CannotWakeError(self.error)
        return NEXT


@pytest.fixture
def wakes():
    return Slow()


@pytest.fixture
def ask(tmp_path, monkeypatch, wakes):
    """Ask the server, on a socket of its own, about branches in a folder of its own."""
    (tmp_path / "root" / FEATURE).mkdir(parents=True)
    (tmp_path / "root" / FEATURE / "branch.json").write_text("{}")
    monkeypatch.setattr(server, "ROOT", f"{tmp_path}/root")
    monkeypatch.setattr(server, "PAGE_AFTER", 0.01)
    with server.Server(f"{tmp_path}/waker.sock", wakes) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        transport = httpx.HTTPTransport(uds=f"{tmp_path}/waker.sock")
        with httpx.Client(transport=transport, timeout=30) as client:
            yield lambda path="/", **headers: client.get(f"http://waker{path}", headers=headers)
        wakes.go.set()
        running.shutdown()


def of_branch(name=FEATURE, **more):
    return {"X-Depl-Branch": name, "X-Depl-Release": RELEASE, **more}


def test_a_request_is_held_and_then_led_to_what_is_live(ask, wakes):
    wakes.go.set()
    answer = ask("/any/path?x=1", **of_branch(**{"X-Depl-Method": "POST"}))
    assert answer.headers["X-Accel-Redirect"] == "@awake"
    assert answer.headers["X-Depl-Release"] == NEXT
    assert wakes.asked == [(FEATURE, RELEASE)]


def test_a_browser_gets_a_page_that_nobody_keeps_and_that_loads_itself_again(ask):
    answer = ask(**of_branch(**BROWSER))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.headers["Cache-Control"] == "no-store"
    assert 'http-equiv="refresh" content="2"' in answer.text
    assert "feature is waking up" in answer.text


@pytest.mark.parametrize("changed", [{"X-Depl-Method": "POST"}, {"Accept": "*/*"}, {"Sec-Fetch-Mode": "no-cors"}])
def test_what_nobody_looks_at_gets_no_page(changed):
    assert server.is_browser(BROWSER)
    assert not server.is_browser(BROWSER | changed)


def test_why_a_branch_can_not_be_woken_is_told_as_text_and_never_as_markup(ask, wakes):
    wakes.error = "It exited 1. Its last words:\n\n<script>alert(1)</script>"
    wakes.go.set()
    plain = ask(**of_branch(**{"X-Depl-Method": "GET", "Accept": "*/*"}))
    assert (plain.status_code, plain.headers["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert "It exited 1." in plain.text
    page = ask(**of_branch(**BROWSER))
    assert "<pre>&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Retry-After"] == "30"


def test_a_page_that_is_left_open_does_not_start_a_broken_branch_again_and_again(ask, wakes):
    wakes.error = "It exited 1."
    wakes.go.set()
    assert "refresh" not in ask(**of_branch(**BROWSER)).text


def test_nothing_about_the_way_to_an_app_goes_with_its_answer(ask, wakes):
    """nginx adds these of an answer with X-Accel-Redirect to the one that it leads to."""
    wakes.go.set()
    added = {"Content-Type", "Set-Cookie", "Content-Disposition", "Cache-Control", "Expires", "Accept-Ranges"}
    assert not {name for name in added if name in ask(**of_branch()).headers}


@pytest.mark.parametrize("name", ["app1--nobody", "app1", "../etc", "app1--feature/../../etc", "branches", ""])
def test_a_name_that_is_no_branch_is_not_looked_for(ask, wakes, name):
    assert ask(**of_branch(name)).status_code == 404
    assert ask(f"/wake/{name}").status_code == 404
    assert wakes.asked == []


def test_a_visitor_whose_path_looks_like_ours_wakes_the_own_branch(ask, wakes):
    wakes.go.set()
    assert ask("/wake/app1--other", **of_branch()).headers["X-Accel-Redirect"] == "@awake"
    assert wakes.asked == [(FEATURE, RELEASE)]


@pytest.mark.parametrize("path", ["/voil\u00e0/x", "/\u00c5ngstr\u00f6m", "/\u4e00?q=\u00e0"])
def test_a_path_that_nobody_encoded_is_one_like_others(ask, wakes, path, tmp_path):
    """As nginx hands it on; of à and Å in UTF-8 one byte is a space to Python."""
    wakes.go.set()
    with socket.socket(socket.AF_UNIX) as nginx:
        nginx.settimeout(20)
        nginx.connect(f"{tmp_path}/waker.sock")
        nginx.sendall(f"GET {path} HTTP/1.0\r\nX-Depl-Branch: {FEATURE}\r\n\r\n".encode())
        assert b" 200 " in nginx.recv(4096).partition(b"\n")[0]
    assert wakes.asked == [(FEATURE, "")]


def test_depl_itself_waits_until_a_branch_is_awake(ask, wakes):
    wakes.go.set()
    assert ask(f"/wake/{FEATURE}").status_code == 200
    assert wakes.asked == [(FEATURE, "")]


# --- what may not sleep ---


def test_an_open_connection_to_the_app_is_counted(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{tmp_path}/web.sock")
        listening.listen()
        others = idle.connections(os.getpid())  # this process may have some of its own
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(f"{tmp_path}/web.sock")
            accepted, _ = listening.accept()
            assert idle.connections(os.getpid()) == others + 1
            accepted.close()


def test_a_socket_may_have_a_line_break_in_its_name(tmp_path):
    with socket.socket(socket.AF_UNIX) as odd:
        odd.bind(f"{tmp_path}/a\nb c d e f")
        idle.connections(os.getpid())


@pytest.mark.parametrize("trouble", [OSError("no such container"), KeyError("State"), folder.CannotWakeError("locked")])
def test_what_fails_with_one_branch_keeps_no_other_from_sleep(monkeypatch, visits, trouble):
    considered = []

    def consider(name, *_):
        considered.append(name)
        if name == "app1--a":
            raise trouble

    monkeypatch.setattr(idle, "branches", lambda: ["app1--a", FEATURE])
    monkeypatch.setattr(idle, "running", set)
    monkeypatch.setattr(idle, "consider", consider)
    idle.look(visits, 1800)
    assert considered == ["app1--a", FEATURE]


def test_the_text_of_a_containers_log_has_no_frames_and_no_colours():
    frames = b"".join(
        bytes([n, 0, 0, 0]) + len(text).to_bytes(4, "big") + text for n, text in [(1, b"a\n"), (2, b"\x1b[2Jb\n")]
    )
    assert machine.words(frames) == "a\n[2Jb\n"
