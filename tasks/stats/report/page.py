"""The page of a comparison: one file of HTML that needs no network and runs no script."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace

from ...model.rollout import AB, Rules
from ...plan import render
from ..comparison import ABORT, DECIDED, INVALID, NOT_YET, PROMOTE, WAIT, Comparison
from . import curves, machine, rows, series, tables, words
from .advice import done, next_commands

ICONS = {ABORT: "✕", PROMOTE: "✓", WAIT: "…", INVALID: "!", DECIDED: "✓", NOT_YET: "…"}
TONES = {ABORT: "bad", PROMOTE: "good", WAIT: "open", INVALID: "bad", DECIDED: "good", NOT_YET: "open"}


@dataclass(frozen=True)
class Banner:
    """The verdict in words: what, why, what was done, about what."""

    tone: str
    icon: str
    word: str
    headline: str
    reason: str
    done: str
    about: str


def html(comparison: Comparison) -> str:
    """The whole page."""
    style = render.raw("compare/page.css").decode()
    figures = [
        *([rows.goals(comparison)] if comparison.goals else []),
        curves.evidence(comparison),
        curves.latency(comparison),
        rows.differences(comparison),
        rows.shares(comparison),
        curves.errors(comparison),
        curves.times(comparison),
    ]
    return render.render(
        "compare/page.html.j2",
        title=f"{words.clean(comparison.app)} {comparison.rollout.canary}: {comparison.verdict.word}",
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        banner=banner(comparison),
        warnings=[words.clean(one) for one in comparison.warnings],
        arms=comparison.arms,
        measures=tables.arms(comparison).rows[1:],
        figures=figures,
        signs=words.SIGNS,
        next=next_commands(comparison),
        settings=_settings(comparison),
        raw=_raw(comparison),
    )


def banner(comparison: Comparison) -> Banner:
    verdict = comparison.verdict
    word, _, rest = words.clean(verdict.headline).partition(". ")
    if not word.isupper():
        word, rest = verdict.word.upper(), words.clean(verdict.headline)
    return Banner(
        tone=TONES.get(verdict.word, "open"),
        icon=ICONS.get(verdict.word, "…"),
        word=word,
        headline=rest,
        reason=words.clean(verdict.reason),
        done=done(comparison),
        about=_about(comparison),
    )


def _about(comparison: Comparison) -> str:
    rollout, counts = comparison.rollout, comparison.counts
    against = "control, a fresh process of " if rollout.control else ""
    what = "A/B test of" if rollout.kind == AB else "canary"
    hosts = ", ".join(words.clean(one) for one in comparison.hosts)
    return (
        f"{words.clean(comparison.app)} ({words.clean(comparison.environment)}) · {what} {rollout.canary} against "
        f"{against}{rollout.base} · {hosts} · {words.moment(rollout.began)} to {words.moment(counts.until)}"
    )


def _settings(comparison: Comparison) -> list[tuple[str, str]]:
    rules, slow = comparison.rules, comparison.rollout.slow
    thresholds = "not measured"
    if slow:
        thresholds = ", ".join(f"{name} {words.duration(getattr(slow, name))}" for name in ("p50", "p95", "p99"))
    return [*_rules(rules), ("slow: slower than live before the rollout", thresholds)]


def _rules(rules: Rules) -> list[tuple[str, str]]:
    return [
        ("healthy canaries put back by mistake (alpha)", f"at most {words.share(rules.alpha)}"),
        ("failing users tolerated", f"{rules.tolerated.failing:g} times as many"),
        ("slow first requests tolerated", f"{rules.tolerated.slow:g} times as many"),
        ("failing users that never matter (negligible)", f"below {rules.negligible:g} %"),
        ("canary's users before a stage ends (minimum_users)", words.number(rules.minimum_users)),
        ("time a user has to meet an error before it counts (settle)", words.span(rules.settle)),
        ("time between looks (every)", words.span(rules.every)),
        ("longest stage (patience)", words.span(rules.patience)),
        ("when it fails (on_fail)", rules.on_fail),
        ("who else may keep it from growing (listen)", ", ".join(rules.listen) or "nobody"),
    ]


def _raw(comparison: Comparison) -> str:
    """JSON for who wants more; evidence as thin as it is drawn, or three days would make a page of a megabyte."""
    thin = replace(comparison, evidence=tuple(series.thinned(comparison.evidence)))
    return json.dumps(machine.as_json(thin), indent=1, ensure_ascii=False, allow_nan=False)
