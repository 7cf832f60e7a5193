"""What is pulled: an app's image of one version in the project's registry."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadInput
from .version import Version

CONTROL = "-control"
"""What the tag of a control arm's version ends with: it takes the name, and counts as no version that was built."""


@dataclass(frozen=True)
class Image:
    """An app's image, named registry/app:version."""

    registry: str
    app: str
    version: Version

    @property
    def repository(self) -> str:
        return f"{self.registry}/{self.app}"

    def __str__(self) -> str:
        return f"{self.repository}:{self.version}"


def version_of(tag: str) -> Version | None:
    """The version that a tag is the name of; None for a tag of another kind."""
    try:
        return Version.parse(tag)
    except BadInput:
        return None
