"""Who a patient is: identity numbers with their check digit, days of the calendar, and nothing quoted."""

from dataclasses import replace
from datetime import date

import pytest

from services.referral.domain.patient_identity import (
    Guardian,
    IdentityDetails,
    IdentityDocument,
    identity_faults,
)
from services.referral.domain.resident_numbers import is_resident_number, resident_numbers_in
from tests.unit.referral.identity.people import DETAILS, RESIDENT, SECRETS

TODAY = date(2026, 3, 1)


def faults(details: IdentityDetails) -> list[tuple[str, str]]:
    found = identity_faults(details, TODAY)
    assert not [each for each in found for secret in SECRETS if secret in repr(each)]
    return [(each.field, each.reason) for each in found]


@pytest.mark.parametrize("number", [RESIDENT, RESIDENT.lower(), "440524188001010014"])
def test_the_examples_of_the_standard(number: str) -> None:
    assert is_resident_number(number)


@pytest.mark.parametrize(
    "number",
    [
        "110105194912310020",
        "110105194902310021",
        "11010519491231002",
        "0101051949123100X",
        "11010519491231002XX",
        "",
        "１１０１０５１９４９１２３１００２Ｘ",
    ],
)
def test_what_is_no_resident_number(number: str) -> None:
    assert not is_resident_number(number)


def test_every_other_check_digit_is_wrong() -> None:
    right = [digit for digit in "0123456789X" if is_resident_number(RESIDENT[:17] + digit)]
    assert right == ["X"]


def test_every_changed_digit_shows() -> None:
    for place in range(17):
        changed = str((int(RESIDENT[place]) + 1) % 10)
        assert not is_resident_number(RESIDENT[:place] + changed + RESIDENT[place + 1 :])


def test_numbers_within_a_text() -> None:
    assert list(resident_numbers_in(f"证号{RESIDENT}，{RESIDENT}。")) == [RESIDENT, RESIDENT]
    assert list(resident_numbers_in(f"9{RESIDENT}")) == []


def test_good_details_have_no_fault() -> None:
    assert faults(DETAILS) == []
    assert faults(IdentityDetails(name="无名氏")) == []


def test_every_fault_is_named_at_once() -> None:
    wrong = replace(
        DETAILS,
        name=" ",
        document_number=RESIDENT[:17] + "1",
        birth_date="2026-02-30",
        guardian=Guardian(name=" ", relation="母亲", document_type=IdentityDocument.PASSPORT),
    )
    assert faults(wrong) == [
        ("details.document_number", "NOT_A_RESIDENT_ID"),
        ("details.name", "REQUIRED"),
        ("details.birth_date", "INVALID_DATE"),
        ("details.guardian.document_number", "REQUIRED"),
        ("details.guardian.name", "REQUIRED"),
    ]


def test_only_a_resident_number_has_a_check_digit() -> None:
    passport = replace(DETAILS, document_type=IdentityDocument.PASSPORT, document_number="E12345678")
    assert faults(passport) == []
    assert faults(replace(passport, document_type=None)) == [("details.document_type", "REQUIRED")]


def test_the_birth_date_is_the_numbers() -> None:
    assert faults(replace(DETAILS, birth_date="1950-01-01")) == [("details.birth_date", "CONTRADICTION")]
    assert faults(replace(DETAILS, birth_date="")) == []


def test_nobody_is_born_tomorrow() -> None:
    newborn = IdentityDetails(name="某某之子", birth_date="2026-03-01")
    assert faults(newborn) == []
    assert faults(replace(newborn, birth_date="2026-03-02")) == [("details.birth_date", "IN_FUTURE")]
