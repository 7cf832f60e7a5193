"""How long it takes: what would be seen by when, if events came exactly as often as they do on average."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..model.rollout import Rules
from .counts import FAILING
from .evidence import allowed, boundary, negligible
from .sequential import Draws, log_less, log_more

LONGEST = 30 * 24 * 60.0
"""Minutes. What takes more than 30 days can't be said."""
TIMES = 3
"""How many times as many failing users a forecast of an abort speaks of."""
CANT_BE_SAID = "How long it takes can't be said: there is no traffic to judge by."


@dataclass(frozen=True)
class Users:
    """The canary's users, and how fast more come.

    `settled` were first seen long enough ago to count (`Rules.settle`, here `settle` in minutes), `present` of them in
    the present stage, which has `recent` others; `pace` more come in a minute.
    """

    settled: float
    present: float
    recent: float
    pace: float
    settle: float

    def after(self, minutes: float) -> Users:
        """As they will be: the recent ones settle evenly, those yet to come after them."""
        come = self.pace * max(minutes - self.settle, 0.0)
        come += self.recent * min(minutes / self.settle, 1.0) if self.settle else self.recent
        return replace(self, settled=self.settled + come, present=self.present + come)

    def enough_in(self, number: float) -> float | None:
        """Minutes until so many of the present stage are settled; None where nobody comes."""
        missing = number - self.present - self.recent
        if self.present >= number:
            return 0.0
        if missing > 0 and not self.pace:
            return None
        return self.settle + (missing / self.pace if missing > 0 else 0.0)


@dataclass(frozen=True)
class Outlook:
    """What is known of one kind, and how fast more comes.

    `stages` are the draws so far, the last of them goes on; `pace` is events in a minute if all users were in one of
    the two arms, at the base's rate.
    """

    kind: str
    stages: Sequence[Draws]
    pace: float
    users: Users

    def after(self, minutes: float, times: float = 1.0) -> Outlook:
        """As it will be, if canary users go on to meet it `times` as often as the base's."""
        now = self.stages[-1]
        canary = now.canary + minutes * self.pace * now.canary_share * times
        base = now.base + minutes * self.pace * now.base_share
        grown = [*self.stages[:-1], replace(now, canary=canary, base=base)]
        return replace(self, stages=grown, users=self.users.after(minutes))

    def too_bad(self, rules: Rules) -> bool:
        return log_more(self.stages, allowed(rules, self.kind)) >= math.log(boundary(rules, self.kind))

    def fine(self, rules: Rules) -> bool:
        """Certainly less often than is allowed, or too seldom to matter; and nothing of late that speaks against it."""
        met = sum(one.canary for one in self.stages)
        less = log_less(self.stages, allowed(rules, self.kind)) >= -math.log(rules.alpha)
        return (less or negligible(rules, met, self.users.settled)) and not self.leans(rules)

    def leans(self, rules: Rules) -> bool:
        """Whether the present stage by itself leans to more than is allowed, however little was seen in it.

        What is certain is so of all stages together, and the first of them may outweigh what a larger share brings.
        """
        now = self.stages[-1]
        seldom = now.canary < rules.negligible / 100 * self.users.present
        return not seldom and now.canary * now.base_share > allowed(rules, self.kind) * now.base * now.canary_share


def fine_in(outlook: Outlook, rules: Rules) -> float | None:
    """Minutes until a canary that is alike from now on would be fine; None where that can't be said."""
    return soonest(lambda minutes: outlook.after(minutes).fine(rules))


def too_bad_in(outlook: Outlook, rules: Rules, times: float = TIMES) -> float | None:
    """Minutes until it would be aborted if its users met it `times` as often from now on; None where never."""
    return soonest(lambda minutes: outlook.after(minutes, times).too_bad(rules))


def start(users: float, failing: float, canary: float, base: float, rules: Rules) -> Outlook:
    """The outlook on failing users before a canary starts.

    `users` come in a minute to all versions, a share `failing` of them meets an error; `canary` and `base` are the
    arms' shares of users. All shares 0 to 1.
    """
    coming = Users(0.0, 0.0, 0.0, users * canary, rules.settle / 60)
    return Outlook(FAILING, [Draws(0, 0, canary, base)], users * failing, coming)


def before(users: float, failing: float, canary: float, base: float, rules: Rules) -> str:
    """Say before a canary starts how long it will take; arguments as of `start`."""
    if users <= 0 or canary <= 0 or base <= 0:
        return CANT_BE_SAID
    outlook = start(users, failing, canary, base, rules)
    waits = (fine_in(outlook, rules), outlook.users.enough_in(rules.minimum_users))
    good = None if waits[0] is None or waits[1] is None else max(waits[0], waits[1])
    return f"At this traffic, {alike(good)}; {showing(outlook, rules)}."


def alike(minutes: float | None) -> str:
    if minutes is None:
        return "a canary that is like the live version can't be told to be fine within 30 days"
    return f"a canary that is like the live version is fine after about {spell(minutes)}"


def showing(outlook: Outlook, rules: Rules) -> str:
    """Say when many more failing users would show."""
    if not outlook.pace:
        return f"no user has met an error, so when ×{TIMES} as many would show can't be said"
    minutes = too_bad_in(outlook, rules)
    if minutes is None:
        return f"×{TIMES} as many failing users would not show within 30 days"
    return f"×{TIMES} as many failing users would show in about {spell(minutes)}"


def spell(minutes: float) -> str:
    """A duration for people: minutes up to two hours, then hours, then days."""
    if minutes < 120:
        return f"{max(math.ceil(minutes), 1)} min"
    hours = minutes / 60
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def soonest(reached: Callable[[float], bool]) -> float | None:
    """The first minute in which something is so, to within 1 %; 0 where it is already, None after LONGEST."""
    if reached(0.0):
        return 0.0
    late = 1.0
    while not reached(late):
        if late >= LONGEST:
            return None
        late = min(late * 2, LONGEST)
    early = late / 2 if late > 1 else 0.0
    while late - early > max(0.01 * late, 0.1):
        middle = (early + late) / 2
        early, late = (early, middle) if reached(middle) else (middle, late)
    return late
