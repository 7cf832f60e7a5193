"""The page as text: whole, closed to the network, with every number in words. What it looks like: tests/integration."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tasks.stats.report import page

from .. import samples

every_sample = pytest.mark.parametrize("sample", samples.ALL, ids=lambda one: one.__name__)
VOID = {"meta", "link", "br", "img", "input"}


class Reader(HTMLParser):
    """Names, attributes and text of a page; complains about tags that don't match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.text.append(" ")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def words(text: str) -> str:
    return " ".join("".join(Reader(text).text).split())


@every_sample
def test_it_is_sound_and_needs_nothing_from_elsewhere(sample):
    text = page.html(sample())
    tags = Reader(text).tags
    assert not {tag for tag, _ in tags} & {"script", "iframe", "object", "img", "form", "base"}
    for _, found in tags:
        assert not [name for name in found if name.startswith("on") or name in ("style", "src", "srcset")]
        assert found.get("href", "data:,") == "data:,"
    assert not re.findall(r"url\((?!#)|@import", text)


@every_sample
def test_ids_are_there_once_and_what_refers_to_them_finds_them(sample):
    text = page.html(sample())
    ids = [found["id"] for _, found in Reader(text).tags if "id" in found]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)


def test_the_policy_allows_this_style_and_nothing_else():
    text = page.html(samples.failing())
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text


@pytest.mark.parametrize(
    ("sample", "word"),
    [
        (samples.failing, "ABORT"),
        (samples.slow_tail, "ABORT"),
        (samples.good, "PROMOTE"),
        (samples.mismatch, "NOT VALID"),
        (samples.waiting, "NOT ENOUGH DATA"),
        (samples.no_traffic, "NOT ENOUGH DATA"),
        (samples.ab_decided, "DECIDED"),
        (samples.ab_open, "NOT YET"),
    ],
)
def test_the_verdict_is_a_word_a_sign_and_a_reason(sample, word):
    comparison = sample()
    found = page.banner(comparison)
    assert found.word == word
    assert found.icon
    assert found.headline
    assert found.reason == comparison.verdict.reason
    assert found.about.startswith("app1 (production)")


def test_a_headline_without_its_word_gets_one():
    comparison = samples.waiting()
    found = page.banner(replace(comparison, verdict=replace(comparison.verdict, headline="Still counting.")))
    assert (found.word, found.headline) == ("WAIT", "Still counting.")


def test_the_page_says_why_what_was_done_and_what_is_next():
    found = words(page.html(samples.failing()))
    for said in (
        "32 of 386 users met an error", "It was taken out of traffic at 2026-11-22 12:27 UTC",
        "“met an error” crossed the stop line after 4 min", "asked 5 %, got 4.87 %: 386 users", "▲ too bad", "● fine",
        "inv logs --version 2026.11.22.12.05 --app app1", "at most 5 %", "p50 45 ms, p95 180 ms, p99 420 ms",
        '"schema": 1',
    ):  # fmt: skip
        assert said in found, said


def test_every_stage_is_told():
    found = words(page.html(samples.control()))
    assert "1 11-22 12:03 15 min 1 %" in found
    assert "2 11-22 12:18 20 min 5 %" in found
    assert "3 11-22 12:38 25 min 25 %" in found


def test_no_traffic_is_never_agreement():
    found = words(page.html(samples.no_traffic()))
    assert "Nobody was seen yet." in found
    assert "They agree" not in found
    assert "Nothing was counted yet." in found


def test_goals_come_first():
    text = page.html(samples.ab_decided())
    assert text.index('id="goals"') < text.index('id="evidence"')
    assert 'id="goals"' not in page.html(samples.good())


def test_hostile_names_stay_text():
    text = page.html(samples.hostile())
    assert "<script" not in text
    assert "onerror=alert(2)&gt;" in text
    assert "\x1b" not in text
    assert "\u202e" not in re.sub(r"<pre>.*?</pre>", "", text, flags=re.S)


def test_three_days_are_a_small_file():
    assert len(page.html(samples.three_days())) < 250_000


def test_slowness_that_is_not_judged_is_said():
    comparison = samples.waiting()
    bare = replace(comparison, rollout=replace(comparison.rollout, slow=None))
    assert "not measured" in words(page.html(bare))
