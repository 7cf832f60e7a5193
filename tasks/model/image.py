"""What is pulled: an app's image of one version in the project's registry."""

from __future__ import annotations

from dataclasses import dataclass

from .version import Version


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
