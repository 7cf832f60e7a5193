"""What a repository holds encrypted: values by name, here in the clear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

KINDS = ("apps", "services", "branches", "notify")


@dataclass(frozen=True)
class Secrets:
    """Variables by app, what services are given, such as passwords, by service, variables of an app's branches, and
    what lets us in at those who are told of deploys, by receiver.

    No repr shows a value.
    """

    apps: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    services: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    branches: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    notify: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, places: Mapping[str, str]) -> Secrets:
        """Take values by place: {"apps.app1.SECRET_KEY": …}. Neither part of a place has a dot."""
        return cls(**tree(places))


NONE = Secrets()


def tree(places: Mapping[str, str]) -> dict[str, dict[str, dict[str, str]]]:
    """Texts by place, as kinds of names of keys: what files have, sorted."""
    found: dict[str, dict[str, dict[str, str]]] = {kind: {} for kind in KINDS}
    for place, text in sorted(places.items()):
        kind, name, key = place.split(".")
        found[kind].setdefault(name, {})[key] = text
    return found
