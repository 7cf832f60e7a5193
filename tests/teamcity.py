"""A strict reader of what a build server gets: plain lines, and service messages as TeamCity documents them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ATTRIBUTES = {
    "progressMessage": None,
    "buildNumber": None,
    "publishArtifacts": None,
    "blockOpened": {"name"},
    "blockClosed": {"name"},
    "setParameter": {"name", "value"},
    "buildStatisticValue": {"key", "value"},
    "buildStatus": {"text"},
    "buildProblem": {"description", "identity"},
}
"""The messages that depl writes, each with its attributes; None where it has one value without a name."""
TEXT = r"'((?:[^|'\[\]\n\r]|\|[|'\[\]nr]|\|0x[0-9A-F]{4})*)'"
MESSAGE = re.compile(rf"##teamcity\[(\w+)((?: {TEXT})|(?: \w+={TEXT})+)\]")
PAIR = re.compile(rf"(?:(\w+)=)?{TEXT}")
ESCAPE = re.compile(r"\|(?:0x([0-9A-F]{4})|(.))")
IDENTITY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
STATISTIC = re.compile(r"-?\d{1,15}(\.\d{1,6})?")


@dataclass(frozen=True)
class Message:
    """A service message; a value without a name has the name ""."""

    name: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Output:
    """What was printed, line by line, and the messages in it."""

    messages: list[Message]
    plain: list[str]

    def all(self, name: str) -> list[dict[str, str]]:
        return [one.values for one in self.messages if one.name == name]

    def one(self, name: str) -> str:
        """The value of the last message of a name."""
        return self.all(name)[-1][""]

    def statistics(self) -> dict[str, float]:
        return {one["key"]: float(one["value"]) for one in self.all("buildStatisticValue")}

    def problems(self) -> list[str]:
        return [one["identity"] for one in self.all("buildProblem")]


def read(text: str) -> Output:
    """Take an output apart; fails where a line is half an order, or where blocks don't close as they opened."""
    messages, plain, blocks = [], [], []
    for line in text.split("\n"):
        if not re.search("##teamcity", line, re.IGNORECASE):
            plain.append(line)
            continue
        found = MESSAGE.fullmatch(line)
        assert found, f"no service message, but a server would look at it: {line!r}"
        messages.append(_checked(found[1], {key: unescaped(value) for key, value in PAIR.findall(found[2])}, line))
        if messages[-1].name == "blockOpened":
            blocks.append(messages[-1].values["name"])
        if messages[-1].name == "blockClosed":
            assert blocks, f"closed, but never opened: {line!r}"
            assert blocks.pop() == messages[-1].values["name"], line
    assert not blocks, f"never closed: {blocks}"
    return Output(messages, plain)


def _checked(name: str, values: dict[str, str], line: str) -> Message:
    assert line.isascii(), line
    assert name in ATTRIBUTES, f"not a message of ours: {line!r}"
    assert set(values) == (ATTRIBUTES[name] or {""}), line
    assert all(values[key] for key in values.keys() - {"value"}), f"empty: {line!r}"
    assert IDENTITY.fullmatch(values.get("identity", "x")), line
    if name == "buildStatisticValue":
        assert STATISTIC.fullmatch(values["value"]), line
    return Message(name, values)


def unescaped(text: str) -> str:
    """What a server reads in a value."""
    units = ESCAPE.sub(lambda one: chr(int(one[1], 16)) if one[1] else {"n": "\n", "r": "\r"}.get(one[2], one[2]), text)
    return units.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")
