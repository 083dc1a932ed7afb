"""The cipher: what it writes only its keys read, bound to patient, version and key; keys never show."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.adapters.identity_cipher import (
    IdentityKey,
    IdentityKeysInvalid,
    KeyedIdentityCipher,
    read_identity_cipher,
)
from services.referral.application.patient_identities import IdentityUnreadable
from services.referral.domain.patient_identity import IdentityDetails
from tests.unit.referral.identity.people import DETAILS, SECRETS, key_line

OLD = IdentityKey("k-2025", b"\x01" * 32)
NEW = IdentityKey("k-2026", b"\x02" * 32)


def test_what_is_sealed_opens_again() -> None:
    cipher = KeyedIdentityCipher([OLD])
    sealed = cipher.seal(DETAILS, "P-1", 1)
    assert cipher.open(sealed, "P-1", 1) == DETAILS
    assert all(secret.encode() not in sealed.ciphertext for secret in SECRETS)


@given(
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50),
    telephone=st.text("0123456789+", max_size=20),
    patient=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64),
    version=st.integers(1, 2**62),
)
def test_whatever_is_sealed_opens_again(name: str, telephone: str, patient: str, version: int) -> None:
    details = IdentityDetails(name=name, telephone=telephone)
    cipher = KeyedIdentityCipher([NEW, OLD])
    assert cipher.open(cipher.seal(details, patient, version), patient, version) == details


def test_no_two_seals_are_alike() -> None:
    cipher = KeyedIdentityCipher([OLD])
    sealed = [cipher.seal(DETAILS, "P-1", 1) for _ in range(100)]
    assert len({each.nonce for each in sealed}) == 100
    assert len({each.ciphertext for each in sealed}) == 100


def test_a_rotated_key_still_reads_what_it_wrote() -> None:
    before = KeyedIdentityCipher([OLD]).seal(DETAILS, "P-1", 1)
    rotated = KeyedIdentityCipher([NEW, OLD])
    assert rotated.open(before, "P-1", 1) == DETAILS
    assert rotated.seal(DETAILS, "P-1", 2).key_id == "k-2026"
    assert rotated.tag(b"x", "k-2025") == KeyedIdentityCipher([OLD]).tag(b"x", "k-2025")
    with pytest.raises(IdentityUnreadable, match="k-2025"):
        KeyedIdentityCipher([NEW]).open(before, "P-1", 1)
    with pytest.raises(IdentityUnreadable, match="k-2025"):
        KeyedIdentityCipher([NEW]).tag(b"x", "k-2025")


def test_it_opens_in_its_own_row_alone() -> None:
    cipher = KeyedIdentityCipher([NEW, OLD])
    sealed = cipher.seal(DETAILS, "P-1", 1)
    for other, patient, version in (
        (sealed, "P-2", 1),
        (sealed, "P-1", 2),
        (replace(sealed, key_id="k-2025"), "P-1", 1),
        (replace(sealed, nonce=bytes(12)), "P-1", 1),
        (replace(sealed, nonce=b""), "P-1", 1),
        (replace(sealed, ciphertext=sealed.ciphertext[:-1]), "P-1", 1),
        (replace(sealed, ciphertext=bytes([sealed.ciphertext[0] ^ 1]) + sealed.ciphertext[1:]), "P-1", 1),
    ):
        with pytest.raises(IdentityUnreadable) as caught:
            cipher.open(other, patient, version)
        assert caught.value.__cause__ is None


def test_the_same_bytes_bound_differently_are_different() -> None:
    """A patient called "P-11" at version 1 is not "P-1" at version 11."""
    cipher = KeyedIdentityCipher([OLD])
    with pytest.raises(IdentityUnreadable):
        cipher.open(cipher.seal(DETAILS, "P-11", 1), "P-1", 11)


def test_the_same_key_under_another_id_opens_nothing() -> None:
    sealed = KeyedIdentityCipher([OLD]).seal(DETAILS, "P-1", 1)
    renamed = KeyedIdentityCipher([IdentityKey("other", b"\x01" * 32)])
    with pytest.raises(IdentityUnreadable):
        renamed.open(replace(sealed, key_id="other"), "P-1", 1)


def test_a_file_of_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# keys\n\n{key_line('k-2026', 2)}{key_line('k-2025', 1)}")
    cipher = read_identity_cipher(path)
    assert cipher is not None
    assert cipher.seal(DETAILS, "P-1", 1).key_id == "k-2026"
    assert cipher.open(KeyedIdentityCipher([OLD]).seal(DETAILS, "P-1", 1), "P-1", 1) == DETAILS
    assert read_identity_cipher(None) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no key is given"),
        ("# nothing\n", "no key is given"),
        ("k-1 c2hvcnRzZWNyZXQ=\n", "line 1: must have 32 bytes, has 11"),
        ("k-1 not!base64secret\n", "line 1: the key is not base64"),
        (f"{key_line('k-1', 1)}justsecret\n", "line 2: must be an id and a key"),
        ("k-1 two secret\n", "line 1: must be an id and a key"),
        (key_line("k-1", 1) + key_line("k-1", 2), "stands twice"),
        ("".join(key_line(f"k-{number}", number) for number in range(33)), "more than 32 keys"),
        (key_line("k" * 65, 1), "line 1: needs an id"),
        ("k-1 密钥secret\n", "cannot be read"),
    ],
)
def test_a_bad_file_is_refused_and_not_quoted(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "keys"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(IdentityKeysInvalid, match=said) as caught:
        read_identity_cipher(path)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IdentityKeysInvalid, match="cannot be read"):
        read_identity_cipher(tmp_path / "nothing")


def test_keys_and_identities_never_show() -> None:
    for shown in (repr(OLD), str(OLD), f"{KeyedIdentityCipher([OLD])!r}"):
        assert "\\x01" not in shown
    sealed = KeyedIdentityCipher([OLD]).seal(DETAILS, "P-1", 1)
    for text in (repr(DETAILS), str(DETAILS), repr(DETAILS.guardian), f"{DETAILS}", repr(sealed)):
        assert not [secret for secret in SECRETS if secret in text]
