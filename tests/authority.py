"""A certificate authority for tests."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def pem(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


class Authority:
    """Signs certificates; `certificate` is its own, in PEM."""

    def __init__(self, name="test authority"):
        self._name, self._key = _name(name), ec.generate_private_key(ec.SECP256R1())
        basic = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = (
            self._sign(self._name, self._key, timedelta(days=30), basic).public_bytes(Encoding.PEM).decode()
        )

    def issue(self, *names, lasts=timedelta(days=90), begins=None):
        """A new certificate for these host names and its key, both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        made = self._sign(_name("test"), key, lasts, *([alternative] if names else []), begins=begins)
        return made.public_bytes(Encoding.PEM).decode(), pem(key)

    def _sign(self, subject, key, lasts, *extensions, begins=None):
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins or min(now, now + lasts) - timedelta(days=1))
            .not_valid_after(now + lasts)
        )
        for extension in extensions:
            made = made.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return made.sign(self._key, hashes.SHA256())
