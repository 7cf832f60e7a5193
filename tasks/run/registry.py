"""The project's image registry: which versions of an app it has. Docker's registry API v2 over TLS."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import DeplError, Refused, Unreachable
from ..model.environment import Environment
from ..model.image import CONTROL, version_of
from ..model.version import Version
from ..plan.wishes import Target
from .alone import together
from .report import Report

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LOCK = "registry.lock"
"""In depl's cache: collect-layers (conf/ansible/roles/registry) has it alone, and nothing may be pushed meanwhile."""


def versions(target: Target) -> tuple[Version, ...]:
    """All versions of an app that were built, oldest first; raises Unreachable."""
    there = tags(target.environment.registry, target.app.name)
    return tuple(sorted(version for tag in there if (version := version_of(tag))))


def taken(target: Target) -> tuple[Version, ...]:
    """All versions' names that are taken: of what was built, and of control arms, which are never installed again."""
    there = tags(target.environment.registry, target.app.name)
    return tuple(version for tag in there if (version := version_of(tag.removesuffix(CONTROL))))


def tags(registry: str, repository: str) -> tuple[str, ...]:
    """The tags of a repository, none where there is no such; raises Unreachable."""
    found = _get(registry, f"/v2/{repository}/tags/list") or {}
    return tuple(sorted(map(str, found.get("tags") or ())))


def newest(target: Target, report: Report) -> Version:
    """The newest version that was built; says which. Raises Refused where there is none."""
    there = versions(target)
    if not there:
        raise Refused(f"No version of {target.app.name} was built yet.\nFirst: inv build")
    report.note(f"No --version given: the newest built is {there[-1]}.")
    return there[-1]


def must_have(target: Target, version: Version) -> None:
    """Refuse a version that the registry doesn't have, before anything is touched."""
    there = versions(target)
    if version not in there:
        newest_three = ", ".join(str(one) for one in there[-3:]) or "none"
        raise Refused(
            f"{target.environment.registry} has no {target.app.name} {version}; the newest there: {newest_three}.\n"
            "Build one: inv build"
        )


def layers(target: Target, version: Version) -> dict[str, int]:
    """The layers of a version's image: their bytes, compressed as they travel, by digest."""
    found = _get(target.environment.registry, f"/v2/{target.app.name}/manifests/{version}") or {}
    return {layer["digest"]: layer["size"] for layer in found.get("layers", ())}


def label(target: Target, version: Version, name: str) -> str:
    """A label of a version's image; "" where it has none. Raises Refused where there is no such image."""
    digest = json.loads(_manifest(target, version))["config"]["digest"]
    about = _get(target.environment.registry, f"/v2/{target.app.name}/blobs/{digest}") or {}
    return str(((about.get("config") or {}).get("Labels") or {}).get(name, ""))


@contextmanager
def undisturbed(environment: Environment, report: Report) -> Iterator[None]:
    """Change the registry while none of its layers are collected: one whose image is yet to come would be lost."""
    path = Path(environment.cache) / LOCK
    with together(path, lambda: report.note("Waiting for the registry: layers that no image has are being removed.")):
        yield


def name_again(target: Target, version: Version, new: str, report: Report) -> None:
    """Give the image of a version another tag too: its manifest is put once more, and no layer moves."""
    with undisturbed(target.environment, report):
        found = _manifest(target, version)
        kind = json.loads(found).get("mediaType", OCI_MANIFEST)
        _ask(target.environment.registry, f"/v2/{target.app.name}/manifests/{new}", put=found, kind=kind)


def _manifest(target: Target, version: Version) -> bytes:
    found = _ask(target.environment.registry, f"/v2/{target.app.name}/manifests/{version}")
    if found is None:
        must_have(target, version)
        raise Refused(f"{target.environment.registry} has no manifest of {version}.\nBuild one: inv build")
    return found


def digests(registry: str, repository: str) -> dict[str, str]:
    """The manifest of each tag of a repository, by its digest: several tags may have the same; raises Unreachable."""
    found = {tag: _ask(registry, f"/v2/{repository}/manifests/{tag}") for tag in tags(registry, repository)}
    return {tag: f"sha256:{hashlib.sha256(one).hexdigest()}" for tag, one in found.items() if one is not None}


def remove(registry: str, repository: str, digest: str) -> None:
    """Take a manifest out of a repository, and all tags that it has; raises Refused where the registry forbids it.

    Its layers go from the disk in the night, as far as no other image has them. The caller keeps it undisturbed.
    """
    _ask(registry, f"/v2/{repository}/manifests/{digest}", method="DELETE")


def forget(target: Target, report: Report) -> None:
    """Take all images of an app out of the registry; raises Refused where it forbids that."""
    registry, repository = target.environment.registry, target.app.name
    with undisturbed(target.environment, report):
        for digest in sorted(set(digests(registry, repository).values())):
            remove(registry, repository, digest)


def _get(registry: str, path: str) -> Any:
    found = _ask(registry, path)
    try:
        return None if found is None else json.loads(found)
    except ValueError:
        raise Unreachable(f"The registry {registry} answers what is no JSON to {path}.") from None


def _ask(registry: str, path: str, put: bytes | None = None, kind: str = "", method: str = "") -> bytes | None:
    """One GET, one PUT of a manifest, or another method; None for a 404.

    The CA and the login are those that docker uses: one place for each.
    """
    authority = Path("/etc/docker/certs.d") / registry / "ca.crt"
    context = ssl.create_default_context(cafile=str(authority) if authority.exists() else None)
    headers = {**_login(registry), "Accept": f"{MANIFEST}, {OCI_MANIFEST}", "Content-Type": kind}
    request = urllib.request.Request(
        f"https://{registry}{path}", data=put, headers=headers, method=method or ("PUT" if put else "GET")
    )
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:  # noqa: S310
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        if error.code in (401, 403):
            raise DeplError(
                f"The registry {registry} refuses the login here ({error.code}).\nRenew it: inv bootstrap"
            ) from None
        if error.code == 405:
            raise Refused(
                f"The registry {registry} lets nobody delete images.\n"
                "Allow it: storage.delete.enabled in its configuration"
            ) from None
        raise Unreachable(f"The registry {registry} answers {error.code} to {path}.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Unreachable(
            f"The registry {registry} can't be reached: {reason}.\n"
            "Is it up? On its host: sudo supervisorctl status docker-registry"
        ) from None


def _login(registry: str) -> dict[str, str]:
    try:
        known = json.loads((Path.home() / ".docker" / "config.json").read_text(encoding="utf-8"))
        encoded = known["auths"][registry]["auth"]
        base64.b64decode(encoded, validate=True)
    except (OSError, ValueError, KeyError):
        return {}
    return {"Authorization": f"Basic {encoded}"}
