"""Whether a certificate does what the inventory says of it, before a browser finds out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from ..errors import BadConfig
from ..model.layout import tls_folder
from .overview import EXPIRES_SOON, ends


@dataclass(frozen=True)
class Checked:
    """A certificate (with its chain) and its key that fit each other and their name; PEM. `warning` may be ""."""

    name: str
    folder: str
    digest: str
    serial: str
    not_after: float
    until: str
    warning: str
    certificate: str
    key: str


def check(name: str, certificate: str, key: str, now: datetime) -> Checked:
    """Check what `depl_tls` names for a host name or a wildcard; raises BadConfig."""
    where = f"depl_tls.{name}"
    chain = _chain(certificate, f"{where}.certificate")
    own = chain[0]
    try:
        public, names = _public(own.public_key()), _names(own)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadConfig(f"{where}.certificate", f"can't be read: {error}") from None
    if public != _public(_key(key, f"{where}.key").public_key()):
        raise BadConfig(f"{where}.key", "is not the key of the certificate there")
    if not {name, _wildcard(name)} & set(names):
        raise BadConfig(f"{where}.certificate", f"doesn't cover {name}; it is for {', '.join(names) or 'no name'}")
    for issued, issuer in pairwise(chain):
        if issued.issuer != issuer.subject:
            raise BadConfig(f"{where}.certificate", "its chain is out of order: each is to be signed by the next one")
    end = own.not_valid_after_utc
    left = (end - now).total_seconds()
    begins = own.not_valid_before_utc
    warning = f"The certificate of {name} {ends(left)}: renew it." if left < EXPIRES_SOON else ""
    if begins > now:
        warning = f"The certificate of {name} is valid only from {begins:%Y-%m-%d %H:%M} UTC on."
    return Checked(
        name=name,
        folder=tls_folder(name),
        digest=hashlib.sha256(f"{certificate}\0{key}".encode()).hexdigest()[:16],
        serial=f"{own.serial_number:X}",
        not_after=end.timestamp(),
        until=f"{end:%Y-%m-%d}",
        warning=warning,
        certificate=certificate,
        key=key,
    )


def _chain(text: str, where: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise BadConfig(where, "is no certificate in PEM form") from None


def _key(text: str, where: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(text.encode(), password=None)
    except TypeError:
        raise BadConfig(where, "has a passphrase, which nobody could type when a browser comes") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadConfig(where, "is no private key in PEM form") from None


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]


def _wildcard(name: str) -> str:
    """The wildcard that covers a name; a wildcard itself is covered by itself alone."""
    return name if name.startswith("*.") else f"*.{name.partition('.')[2]}"
