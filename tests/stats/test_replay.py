"""A rollout of the past: who, since when, which shares, and the same counts as were to be had then."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace

import pytest

from tasks.errors import BadInput
from tasks.model.percent import Percent
from tasks.model.rollout import Rules
from tasks.model.route import offset
from tasks.model.version import Version
from tasks.stats import replay
from tasks.stats.queries import Asked

from .lines import BEGAN, CANARY, CONTROL, GOALS, LIVE, by_hand, line, of, text

STEPS = ((BEGAN, 10), (BEGAN + 1200, 50), (BEGAN + 2400, 250))


def traffic(
    until: float = BEGAN + 3600, steps=STEPS, seed: int = 1, rate: int = 20, control: bool = False
) -> list[dict[str, object]]:
    """Requests of sticky users, before and through a rollout; the canary is slower."""
    chance, first = random.Random(seed), offset(Version(CANARY))
    found = []
    for place in range(int((until - BEGAN + 600) * rate)):
        at = BEGAN - 600 + place / rate
        user = chance.randrange(5000)
        bucket = user % 1000
        share = max((share for since, share in steps if at >= since), default=0)
        canary = (bucket - first) % 1000 < share
        took = chance.lognormvariate(-3, 0.7) * (2 if canary else 1)
        version = CANARY if canary else CONTROL if control and (first - 1 - bucket) % 1000 < share else LIVE
        found.append(
            line(time=round(at, 3), version=version, user=f"{user:032x}", bucket=f"{bucket:03d}",
                 request_time=round(took, 3), status=500 if chance.random() < 0.01 else 200)
        )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def lines():
    return traffic()


def of_buckets_unknown(rollout):
    return replace(Asked.of("app1", rollout, GOALS), shares=())


def counts(*paths, **given):
    return replay.counts([str(path) for path in paths], app="app1", rules=Rules(), goals=GOALS, tick=60, **given)


@pytest.fixture
def log(tmp_path, lines):
    path = tmp_path / "depl-app1.log"
    path.write_bytes(text(lines))
    return path


def test_who_since_when_and_which_shares_are_told_by_the_lines(log, lines):
    rollout, found = counts(log)
    assert (str(rollout.live), str(rollout.canary)) == (LIVE, CANARY)
    assert [stage.share for stage in rollout.stages] == [Percent(10), Percent(50), Percent(250)]
    for stage, (at, _) in zip(rollout.stages, STEPS, strict=True):
        assert 0 <= stage.at - at < 30
    assert rollout.ended == max(one["time"] for one in lines if one["version"] == CANARY)
    assert of(found) == by_hand(lines, of_buckets_unknown(rollout))


def test_slow_is_what_was_slow_before(log, lines):
    rollout, _ = counts(log)
    before = sorted(one["request_time"] for one in lines if one["time"] < rollout.began)
    for found, share in ((rollout.slow.p50, 0.5), (rollout.slow.p95, 0.95), (rollout.slow.p99, 0.99)):
        assert found == pytest.approx(before[int(share * len(before))], rel=0.03)


def test_without_requests_before_nothing_is_slow(tmp_path, lines):
    path = tmp_path / "log"
    began = min(one["time"] for one in lines if one["version"] == CANARY)
    path.write_bytes(text(one for one in lines if one["time"] > began - 1))
    assert counts(path, live=Version(LIVE))[0].slow is None


def test_compressed_parts_in_any_order_give_the_same(tmp_path, log, lines):
    parts = [tmp_path / "depl-app1.log.2.gz", tmp_path / "depl-app1.log.1"]
    parts[0].write_bytes(gzip.compress(text(lines[:30_000])))
    parts[1].write_bytes(text(lines[30_000:]).rstrip(b"\n"))
    assert counts(*reversed(parts)) == counts(log)


def test_a_small_file_counts_also_when_it_is_compressed_or_its_line_has_no_end(tmp_path, log):
    last = [line(time=BEGAN + 1800, version=CANARY, user=f"{9000 + place:032x}") for place in range(2)]
    compressed, open_end = tmp_path / "small.gz", tmp_path / "open"
    compressed.write_bytes(gzip.compress(text(last[:1])))
    open_end.write_bytes(text(last[1:]).rstrip(b"\n"))
    assert sum(counts(log, compressed, open_end)[1].requests()) == sum(counts(log)[1].requests()) + 2


@pytest.mark.parametrize("given", [{}, {"canary": Version(CANARY)}, {"share": Percent(250)}])
def test_a_control_arm_is_told_by_its_buckets(tmp_path, given):
    path = tmp_path / "log"
    path.write_bytes(text(traffic(control=True)))
    rollout, found = counts(path, **given)
    assert rollout.versions == (Version(LIVE), Version(CANARY), Version(CONTROL))
    assert [stage.control for stage in rollout.stages] == [stage.share for stage in rollout.stages]
    assert len(found.requests()) == 3


def test_another_version_of_any_bucket_is_no_control_arm(tmp_path, lines):
    path = tmp_path / "log"
    older = [{**one, "version": "2026.11.20.10.00"} for one in lines[:2000]]
    path.write_bytes(text([*older, *lines[2000:]]))
    assert counts(path)[0].control is None


def test_a_share_that_is_said_is_taken(log):
    rollout, _ = counts(log, share=Percent(100), canary=Version(CANARY))
    assert [stage.share for stage in rollout.stages] == [Percent(100)]


def test_a_rollout_ends_where_all_have_the_canary(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(text(traffic(steps=(*STEPS[:2], (BEGAN + 2400, 1000)))))
    rollout, _ = counts(path)
    assert [stage.share for stage in rollout.stages] == [Percent(10), Percent(50)]
    assert 0 <= rollout.ended - (BEGAN + 2400) < 30


def test_a_version_that_came_at_once_for_all_is_no_canary(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(text(traffic(steps=((BEGAN, 1000),), until=BEGAN + 1200)))
    with pytest.raises(BadInput, match="had all users"):
        counts(path)


@pytest.mark.parametrize(
    ("given", "match"),
    [({"canary": Version("2026.01.01.00.00")}, "No request"), ({"live": Version("2026.01.01.00.00")}, "No request"),
     ({"canary": Version(LIVE), "live": Version(LIVE)}, "no canary")],
)  # fmt: skip
def test_versions_that_are_not_there_are_refused(log, given, match):
    with pytest.raises(BadInput, match=match):
        counts(log, **given)


def test_what_is_no_log_of_a_rollout_is_refused_in_words(tmp_path, lines):
    rubbish, missing, cut, one = (tmp_path / name for name in ("rubbish", "missing", "cut.gz", "one"))
    rubbish.write_bytes(b"\0" * 5000 + b"\nrubbish\n")
    cut.write_bytes(gzip.compress(text(lines[:5000]))[:-5000])
    one.write_bytes(text(lines[:500]))
    for path, match in ((rubbish, "no canary"), (missing, "missing: No such"), (cut, "end"), (tmp_path, "directory"),
                        (one, "no canary")):  # fmt: skip
        with pytest.raises(BadInput, match=match):
            counts(path)


def test_lines_that_do_not_say_their_bucket_need_a_share(tmp_path, lines):
    path = tmp_path / "log"
    path.write_bytes(text(replace_bucket(lines)))
    with pytest.raises(BadInput, match="--percent"):
        counts(path)
    rollout, found = counts(path, share=Percent(10))
    assert of(found) == by_hand(lines, of_buckets_unknown(rollout))


def replace_bucket(lines):
    return [{key: value for key, value in one.items() if key != "bucket"} for one in lines]
