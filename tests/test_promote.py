"""Whoever moved traffic tells it, whatever fails afterwards; and nobody tells what was put back."""

import io
from dataclasses import dataclass, field, replace
from functools import partial
from types import SimpleNamespace

import pytest

from tasks import tell
from tasks.errors import DeplError, StepFailed, Unreachable
from tasks.model.change import Changes
from tasks.model.notice import Address, Notify
from tasks.model.percent import Percent
from tasks.model.release import Release
from tasks.model.secrets import Secrets
from tasks.plan import canary, promote
from tasks.plan.facts import Container
from tasks.promote import send_all
from tasks.rollout import route
from tasks.run.notify import deliver
from tasks.run.report import Report
from tasks.run.ssh import Result
from tasks.run.work import OnHosts, at_work

from .plan.world import APP1, APP2, AT_WORK, NOW, V1, V2, Story, installed
from .run.notify.notices import CHANGES
from .run.notify.server import listening

RELEASES = {V1: Release(V1, 0), V2: Release(V2, 1)}


def never(host, argv):
    return False


def workers_of(version):
    """Whatever is done to a version's workers."""
    return lambda host, argv: any(f"{version}-worker" in word for word in argv)


def second_flip(host, argv):
    return host == APP2 and argv[1:3] == ("flip", f"{AT_WORK.layout.live}.new")


@dataclass
class Hosts:
    """A fleet that does what it is asked, but where it `fails`; what is `live` follows the renames to `goal`."""

    goal: Story
    live: dict
    running: set
    fails: object = never
    ends_in: BaseException | None = None
    remotes: dict = field(default_factory=lambda: {APP1: None, APP2: None})

    def open(self, hosts=None):
        return dict.fromkeys(hosts or ())

    def ask(self, commands):
        return {host: list(self._results(host, asked)) for host, asked in commands.items()}

    def _results(self, host, asked):
        for command in asked:
            ok = not self.fails(host, command.argv)
            match command.argv if ok else ():
                case (_, "flip", new, _):
                    self.live[host] = self.goal if new.endswith(".new") else None
                case (_, "steady", name, *_):
                    self.running |= {version for version in RELEASES if f"-{version}-" in name}
                case ("docker", "rm", *names):
                    self.running -= {version for version in RELEASES if f"-{version}-" in " ".join(names)}
            yield Result(0 if ok else 1, "", "" if ok else "no")
            if not ok and not command.forgiven:
                return


class Work(OnHosts):
    """Work on such a fleet, whose lock is free; `held` tells whether it is ours."""

    def __init__(self, fleet, before, target, verb):
        super().__init__(target, fleet, Report(io.StringIO()), verb, dry=False)
        self.held, self._before = False, before

    def lock(self):
        self.read()
        self.held, self._lock = True, SimpleNamespace(command=None)

    def unlock(self):
        self.held = False

    def read(self):
        if self._fleet.ends_in and any(self._fleet.live.values()):
            raise self._fleet.ends_in
        self.facts = tuple(self._facts(host) for host in self._fleet.remotes)

    def _facts(self, host):
        story = Story(host).has(installed(V1, 0), installed(V2, 1))
        for at, table in ((NOW - 900, self._before), (NOW, self._fleet.live[host])):
            if table:
                table(story, at)
        there = [
            Container(f"app1-{version}-worker.{number}", version, "worker", "i", "running", 0, False, 1)
            for version in sorted(self._fleet.running)
            for number in (1, 2)
        ]
        return replace(story.facts(), workers=tuple(there), programs={one.name: "RUNNING" for one in there})


def everyone(version, previous=None):
    return lambda story, at: story.went_live(RELEASES[version], previous, at=at)


def some(percent):
    share = Percent.parse(percent).buckets
    return lambda story, at: story.went_live(RELEASES[V1], at=at, canary=RELEASES[V2], share=share)


@pytest.fixture
def server():
    with listening() as found:
        yield found


@pytest.fixture
def begun(server, tmp_path, monkeypatch):
    """Begin work on two hosts; the receivers are told in `server`, and not before the lock is free."""
    monkeypatch.setattr(deliver.secrets, "load", lambda name: Secrets(notify={"webhook": {"key": "k"}}))
    monkeypatch.setattr(tell.history, "between", lambda target, old, new: CHANGES)
    environment = replace(AT_WORK.environment, cache=str(tmp_path), notify=Notify(webhook=Address(server.url)))
    target = replace(AT_WORK, environment=environment)

    def begin(verb, before, goal, running, **wrong):
        fleet = Hosts(goal, {APP1: None, APP2: None}, set(running), **wrong)
        work = Work(fleet, before, target, verb)
        server.answers["POST", "/"] = lambda told: (423 if work.held else 200, {})
        return work

    return begin


def told(server):
    return [(one.json["verb"], one.json["version"], one.json["former"], one.json["issues"]) for one in server.told]


PROMOTED = ("promote", str(V2), str(V1), ["SHOP-2", "SHOP-1"])


def run(work, do):
    with at_work(work):
        do(work)


def promoted(work):
    run(work, lambda work: send_all(work, V2))


def rolled_back(work):
    run(work, lambda work: send_all(work, V1, "rollback to", promote.back))


def given(percent, work):
    run(work, lambda work: route(work, canary.Canary(V2, Percent.parse(percent))))


def test_a_promote_whose_old_workers_do_not_end_is_told_all_the_same(begun, server):
    work = begun("promote", everyone(V1), everyone(V2, V1), (V1, V2), fails=workers_of(V1))
    with pytest.raises(StepFailed, match="workers of what was live"):
        promoted(work)
    assert told(server) == [PROMOTED]


def test_a_promote_that_brings_workers_after_its_traffic_moved_is_not_told_again(begun, server):
    promoted(begun("promote", everyone(V2, V1), everyone(V2, V1), (V1, V2)))
    promoted(begun("promote", everyone(V2, V1), everyone(V2, V1), ()))
    assert told(server) == []


def test_a_rollback_whose_workers_do_not_come_up_is_told_all_the_same(begun, server):
    work = begun("rollback", everyone(V2, V1), everyone(V1), (V2,), fails=workers_of(V1))
    with pytest.raises(StepFailed):
        rolled_back(work)
    assert told(server) == [("rollback", str(V1), str(V2), ["SHOP-2", "SHOP-1"])]


@pytest.mark.parametrize("ending", [Unreachable("app2 is gone"), StepFailed("app2 can't be read"), KeyboardInterrupt()])
def test_what_was_done_is_told_where_nobody_can_look_again(begun, server, ending):
    work = begun("promote", everyone(V1), everyone(V2, V1), (V2,), ends_in=ending)
    with pytest.raises((DeplError, KeyboardInterrupt)):
        promoted(work)
    assert told(server) == [PROMOTED]


@pytest.mark.parametrize("do", [promoted, partial(given, "5")])
def test_nobody_is_told_of_traffic_that_was_put_back(begun, server, do):
    work = begun("promote", everyone(V1), everyone(V2, V1), (V1, V2), fails=second_flip)
    with pytest.raises(StepFailed, match="Put back on app1"):
        do(work)
    assert work.facts
    assert told(server) == []


def test_a_canary_whose_old_workers_do_not_end_is_told_once(begun, server):
    work = begun("canary", some("5"), everyone(V1), (V1, V2), fails=workers_of(V2))
    with pytest.raises(StepFailed, match="workers of what was live"):
        given("0", work)
    assert [(one.json["verb"], one.json["percent"], one.json["former"]) for one in server.told] == [
        ("canary", 0.0, str(V1))
    ]


def test_a_promote_of_what_is_live_that_ends_a_canary_is_told(begun, server):
    work = begun("promote", some("5"), everyone(V1), (V1, V2))
    run(work, lambda work: send_all(work, V1))
    assert [one.json["version"] for one in server.told] == [str(V1)]


def test_commits_that_were_not_known_in_time_are_looked_for_again_when_all_is_done(begun, server, monkeypatch):
    found = iter([Changes(why="not known within 1.5 s"), CHANGES])
    monkeypatch.setattr(tell.deadline, "within", lambda seconds, find, otherwise: next(found))
    promoted(begun("promote", everyone(V1), everyone(V2, V1), (V1, V2)))
    assert told(server) == [PROMOTED]


def test_commits_that_were_known_in_time_are_not_looked_for_again(begun, server, monkeypatch):
    found = iter([Changes()])
    monkeypatch.setattr(tell.deadline, "within", lambda seconds, find, otherwise: next(found))
    promoted(begun("promote", everyone(V1), everyone(V2, V1), (V1, V2)))
    assert told(server) == [(*PROMOTED[:3], [])]


def test_all_is_told_after_the_lock_is_free_and_without_a_failure_too(begun, server, tmp_path):
    promoted(begun("promote", everyone(V1), everyone(V2, V1), (V1, V2)))
    assert told(server) == [PROMOTED]
    assert list(tmp_path.rglob("*.json")) == []  # not refused with 423
