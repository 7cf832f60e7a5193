"""Shares of hosts: equal, and nobody moves who need not."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tasks.model.percent import BUCKETS
from tasks.model.rotation import spread, stand_in

NAMES = [f"app{n}" for n in range(1, 13)]
some = st.lists(st.sampled_from(NAMES), min_size=1, unique=True)


def moved(before, after):
    return [bucket for bucket in range(BUCKETS) if before[bucket] != after[bucket]]


@given(st.lists(some, min_size=1, max_size=8))
def test_after_any_changes_all_hosts_have_equal_shares(rotations):
    buckets = ()
    for hosts in rotations:
        buckets = spread(buckets, hosts)
        have = Counter(buckets)
        assert len(buckets) == BUCKETS
        assert set(have) == set(hosts)
        assert max(have.values()) - min(have.values()) <= 1
        assert spread(buckets, list(reversed(hosts))) == buckets, "what is right already does not change"


@given(some.filter(lambda hosts: len(hosts) > 1), st.data())
def test_a_host_that_leaves_moves_its_own_visitors_only(hosts, data):
    before = spread((), hosts)
    leaver = data.draw(st.sampled_from(hosts))
    after = spread(before, [host for host in hosts if host != leaver])
    assert {before[bucket] for bucket in moved(before, after)} == {leaver}


@given(some.filter(lambda hosts: len(hosts) < len(NAMES)), st.data())
def test_a_host_that_comes_takes_its_share_and_nobody_else_moves(hosts, data):
    before = spread((), hosts)
    comer = data.draw(st.sampled_from([name for name in NAMES if name not in hosts]))
    after = spread(before, [*hosts, comer])
    assert {after[bucket] for bucket in moved(before, after)} == {comer}
    assert len(moved(before, after)) in (BUCKETS // (len(hosts) + 1), BUCKETS // (len(hosts) + 1) + 1)


@given(some)
def test_another_host_stands_in_and_all_others_share_that(hosts):
    found = [stand_in(bucket, hosts[0], hosts) for bucket in range(BUCKETS)]
    assert set(found) == (set(hosts[1:]) or {None})
    have = Counter(found)
    assert max(have.values()) - min(have.values()) <= 1
