"""Texts encrypted with age to people's public keys, each bound to its place; and which private keys are here."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pyrage
from cryptography.hazmat.primitives import serialization

from ..errors import BadConfig, Refused

Identity: TypeAlias = pyrage.ssh.Identity | pyrage.x25519.Identity
Recipient: TypeAlias = pyrage.ssh.Recipient | pyrage.x25519.Recipient

_LARGEST = 65536
"""Bytes of a file that may be a private key."""
_NATIVE = "AGE-SECRET-KEY-1"
_FIRST = ("id_ed25519", "id_rsa")


@dataclass(frozen=True)
class Key:
    """A private key on this machine."""

    path: Path
    identity: Identity = field(repr=False)


class _Unusable(Exception):
    """Why a file is no key that can be used."""


def keys() -> Sequence[Key]:
    """The file that $DEPL_KEY names; without it, all of ~/.ssh that can be used. Raises Refused where there is none."""
    named = os.environ.get("DEPL_KEY")
    if named:
        path = _home(named)
        try:
            return [_key(path)]
        except _Unusable as error:
            raise Refused(f"{path}, which DEPL_KEY names, {error}.\nName another: DEPL_KEY=PATH") from None
    folder = _home("~/.ssh")
    found, unusable = [], [f"{folder} has none"]
    for path in _candidates(folder):
        try:
            found.append(_key(path))
        except _Unusable as error:
            unusable.append(f"{path} {error}")
    if not found:
        raise Refused(f"There is no private key here for secrets: {unusable[-1]}.\nName one: DEPL_KEY=PATH")
    return found


def _home(path: str) -> Path:
    """A path from ~, which stays as it is for a user without a home: Path's own expanduser would fail."""
    return Path(os.path.expanduser(path))  # noqa: PTH111


def _candidates(folder: Path) -> list[Path]:
    """What looks like a private key, the usual names first."""
    try:
        files = sorted(one for one in folder.iterdir() if one.is_file() and _is_private(one))
    except OSError:
        return []
    return sorted(files, key=lambda one: _FIRST.index(one.name) if one.name in _FIRST else len(_FIRST))


def _is_private(path: Path) -> bool:
    try:
        content = _content(path)
    except _Unusable:
        return False
    return b"PRIVATE KEY-----" in content[:64] or _native(content) is not None


def _key(path: Path) -> Key:
    content = _content(path)
    try:
        native = _native(content)
        return Key(
            path, pyrage.x25519.Identity.from_str(native) if native else pyrage.ssh.Identity.from_buffer(content)
        )
    except pyrage.IdentityError as error:
        if "decrypted first" in str(error):
            raise _Unusable("has a passphrase, and nobody is asked for one here") from None
        raise _Unusable("is no private key for this: expected an SSH key (ed25519, RSA) or an age identity") from None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise _Unusable(f"can't be read: {error.strerror}") from None


def _native(content: bytes) -> str | None:
    """The identity in a file that age-keygen wrote."""
    lines = (line.strip() for line in content.decode(errors="replace").splitlines())
    return next((line for line in lines if line.startswith(_NATIVE)), None)


def public(key: Key) -> str:
    """The public half of a key, on one line, as others encrypt to it."""
    if isinstance(key.identity, pyrage.x25519.Identity):
        return str(key.identity.to_public())
    content = _content(key.path)
    load = serialization.load_ssh_private_key if b"OPENSSH" in content[:64] else serialization.load_pem_private_key
    form = serialization.PublicFormat.OpenSSH
    text: bytes = load(content, None).public_key().public_bytes(serialization.Encoding.OpenSSH, form)
    return text.decode()


def recipient(text: str, where: str) -> Recipient:
    """A public key: of SSH (ed25519 or RSA), or of age itself (age1…); raises BadConfig."""
    kind = pyrage.x25519.Recipient if text.startswith("age1") else pyrage.ssh.Recipient
    try:
        return kind.from_str(text.strip())
    except (pyrage.RecipientError, ValueError):  # ValueError: half of a character
        raise BadConfig(where, "is no public key: expected ssh-ed25519 …, ssh-rsa … or age1…") from None


def seal(place: str, text: str, recipients: Iterable[Recipient]) -> str:
    """Encrypt a text to all recipients: one line. It opens at its place only."""
    return base64.b64encode(pyrage.encrypt(f"{place}\n{text}".encode(), list(recipients))).decode()


def unseal(place: str, sealed: str, with_keys: Sequence[Key], where: str) -> str:
    """Decrypt what `seal` made; raises BadConfig where it is damaged or of another place, Refused without the key."""
    again = "take the line back from git, or remove it and set the value again: inv secrets.edit"
    try:
        content = base64.b64decode(sealed, validate=True)
        opened: bytes = pyrage.decrypt(content, [key.identity for key in with_keys])
        own, _, text = opened.decode().partition("\n")
    except pyrage.DecryptError as error:
        if "No matching keys" not in str(error):
            raise BadConfig(where, f"is damaged: {again}") from None
        tried = ", ".join(str(key.path) for key in with_keys)
        raise Refused(
            f"{where}: no key here opens it (tried {tried:.300}).\n"
            "Use another key: DEPL_KEY=PATH. Or have yours added by somebody who can read it:\n"
            "they write it under recipients: in that file and type inv secrets.rotate"
        ) from None
    except ValueError:  # no base64, no text
        raise BadConfig(where, f"is not encrypted as depl does it: {again}") from None
    if own != place:
        raise BadConfig(where, f"was encrypted for another name, and moved or copied here: {again}")
    return text
