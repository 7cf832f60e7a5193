"""What is wrong with a certificate is found at the bootstrap, and said in one line."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from tasks.errors import BadConfig
from tasks.plan.certificates import check
from tests.authority import Authority, pem

NOW = datetime.now(UTC)
AUTHORITY = Authority()
CERTIFICATE, KEY = AUTHORITY.issue("app1.foo", "*.app1.foo")


@pytest.mark.parametrize("name", ["app1.foo", "*.app1.foo", "foo.app1.foo"])
def test_a_certificate_that_covers_a_name_is_taken(name):
    found = check(name, CERTIFICATE + AUTHORITY.certificate, KEY, NOW)
    assert found.warning == ""
    assert found.folder == name.replace("*", "_")
    assert found.certificate.startswith(CERTIFICATE)


@pytest.mark.parametrize(
    ("name", "certificate", "key", "message"),
    [
        ("app1.foo", "no", KEY, "app1.foo.certificate: is no certificate in PEM form"),
        ("app1.foo", CERTIFICATE, "no", "app1.foo.key: is no private key in PEM form"),
        (
            "app1.foo",
            CERTIFICATE,
            pem(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"x")),
            "passphrase",
        ),
        ("app1.foo", CERTIFICATE, AUTHORITY.issue("app1.foo")[1], "is not the key of the certificate there"),
        ("app2.foo", CERTIFICATE, KEY, r"doesn't cover app2.foo; it is for app1.foo, \*.app1.foo"),
        ("a.b.app1.foo", CERTIFICATE, KEY, "doesn't cover a.b.app1.foo"),
        ("*.foo", CERTIFICATE, KEY, r"doesn't cover \*.foo"),
        ("app1.foo", *AUTHORITY.issue(), "it is for no name"),
        ("app1.foo", CERTIFICATE + Authority("another").certificate, KEY, "its chain is out of order"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(name, certificate, key, message):
    with pytest.raises(BadConfig, match=message) as refused:
        check(name, certificate, key, NOW)
    assert str(refused.value).startswith("depl_tls.")
    assert len(str(refused.value).splitlines()) == 1
    assert "PRIVATE" not in str(refused.value)


@pytest.mark.parametrize(
    ("lasts", "warning"),
    [
        (timedelta(days=22), ""),
        (timedelta(days=5, hours=1), "The certificate of app1.foo ends in 5 days: renew it."),
        (timedelta(days=1, hours=1), "The certificate of app1.foo ends in 1 day: renew it."),
        (timedelta(days=-2), "The certificate of app1.foo has ended: renew it."),
    ],
)
def test_a_certificate_that_ends_soon_is_spoken_of(lasts, warning):
    assert check("app1.foo", *AUTHORITY.issue("app1.foo", lasts=lasts), NOW).warning == warning


def test_a_certificate_of_tomorrow_is_spoken_of():
    made = AUTHORITY.issue("app1.foo", begins=NOW + timedelta(days=1))
    assert "is valid only from" in check("app1.foo", *made, NOW).warning


def test_a_new_key_or_a_new_chain_gets_a_folder_of_its_own():
    first = check("app1.foo", CERTIFICATE, KEY, NOW)
    assert check("app1.foo", CERTIFICATE, KEY, NOW).digest == first.digest
    assert check("app1.foo", CERTIFICATE + AUTHORITY.certificate, KEY, NOW).digest != first.digest
