"""Recording and reading: by those who treat the patient, once for a request, each read recorded first."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.referral.application.patient_identities import (
    IdentityUnreadable,
    StoredIdentity,
    resource_of,
)
from services.shared.eventstore.units import RequestRecord
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import (
    DependencyDown,
    InvalidInput,
    NotAllowed,
    NotFound,
    RequestIdReused,
    StaleVersion,
)
from tests.unit.referral.identity.desk import NEW, OLD, Desk
from tests.unit.referral.identity.people import DETAILS, SECRETS, MemoryIdentities
from tests.unit.referral.referral.network import (
    AMBULANCE,
    COORDINATOR,
    EAST,
    GENERAL,
    GENERAL_OFFICE,
    OPERATOR,
    QITAI_COORDINATOR,
    SYSTEM,
    WUCAIWAN,
    WUCAIWAN_OFFICE,
    person,
)
from tests.unit.referral.referral.stories import accepted


def test_what_is_recorded_is_read_and_the_read_recorded() -> None:
    desk = Desk()
    written = desk.write()
    assert (written.version, written.details, written.recorded_by) == (1, DETAILS, WUCAIWAN.user)
    assert desk.look(GENERAL) == written
    write, read = desk.views
    assert (write.actor, write.reason, write.method) == (WUCAIWAN, "RECORDED, version 1", "RecordIdentity")
    assert (read.actor, read.reason, read.resources) == (GENERAL, "TREATMENT", ("patients/P-7/identity",))


@pytest.mark.parametrize("actor", [WUCAIWAN, WUCAIWAN_OFFICE, GENERAL, GENERAL_OFFICE, COORDINATOR])
def test_those_on_a_referral_read(actor: Actor) -> None:
    desk = Desk()
    desk.write()
    assert desk.look(actor).details == DETAILS


@pytest.mark.parametrize(
    "actor",
    [
        EAST,
        QITAI_COORDINATOR,
        OPERATOR,
        SYSTEM,
        AMBULANCE,
        person("jimsar-general", Role.BED_DESK),
        person("jimsar-general", Role.OPERATOR),
        person("", Role.CLINICIAN),
        person("east-hospital", Role.CLINICIAN, Role.OPERATOR, Role.SYSTEM),
    ],
)
def test_everybody_else_is_told_that_there_is_nothing(actor: Actor) -> None:
    desk = Desk()
    desk.write()
    desk.views.clear()
    attempts: tuple[Callable[[], object], ...] = (lambda: desk.look(actor), lambda: desk.write(actor))
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()
    assert desk.views == []
    assert len(desk.store.rows) == 1


def test_a_coordinator_reads_and_does_not_write() -> None:
    desk = Desk()
    with pytest.raises(NotFound):
        desk.write(COORDINATOR)
    # Where two roles meet, the clinician's facility is asked for, not the coordinator's community.
    desk.write(person("wucaiwan", Role.CLINICIAN, Role.COORDINATOR))
    with pytest.raises(NotFound):
        desk.write(person("jimsar-town", Role.CLINICIAN, Role.COORDINATOR))


def test_another_patient_is_another_matter() -> None:
    desk = Desk()
    desk.write()
    with pytest.raises(NotFound):
        desk.look(GENERAL, "P-8")


def test_a_write_that_cannot_be_recorded_is_not_made() -> None:
    desk = Desk(is_logging=False)
    with pytest.raises(DependencyDown):
        desk.write()
    assert desk.store.rows == []


def test_nothing_recorded_is_nothing_read() -> None:
    desk = Desk()
    with pytest.raises(NotFound):
        desk.look(GENERAL)
    assert desk.views == []


def test_what_cannot_be_recorded_is_not_shown() -> None:
    desk = Desk()
    desk.write()
    desk.is_logging = False
    with pytest.raises(DependencyDown):
        desk.look(GENERAL)


def test_the_same_request_gives_the_first_reply() -> None:
    desk = Desk()
    request_id = "00000000-0000-4000-8000-00000000000a"
    first = desk.write(request_id=request_id)
    desk.write(details=replace(DETAILS, telephone="13700000000"))
    assert desk.write(request_id=request_id) == first
    assert [row.version for row in desk.store.rows] == [1, 2]
    with pytest.raises(RequestIdReused):
        desk.write(request_id=request_id, digest=b"another body")


def test_a_request_id_of_another_command_is_taken() -> None:
    desk = Desk()
    record = RequestRecord(request_id="taken", digest=b"", stream_id="referrals/1", version=1)
    desk.requests.requests["taken"] = record
    with pytest.raises(RequestIdReused):
        desk.write(request_id="taken")


def test_the_tag_of_a_request_is_keyed() -> None:
    """From the table alone nobody can try identity numbers until one fits."""
    desk = Desk()
    desk.write(digest=b"body")
    other = Desk(keys=(NEW,))
    other.write(digest=b"body")
    assert desk.store.rows[0].request_tag != other.store.rows[0].request_tag
    assert b"body" not in desk.store.rows[0].request_tag


def test_versions() -> None:
    desk = Desk()
    assert desk.write(expected_version=0).version == 1
    with pytest.raises(StaleVersion):
        desk.write(expected_version=0)
    assert desk.write(expected_version=1).version == 2
    assert desk.look(GENERAL).version == 2


def test_two_at_once_get_two_versions() -> None:
    desk = Desk()

    class Raced(MemoryIdentities):
        async def add(self, identity: StoredIdentity) -> bool:
            if not self.rows:
                # Somebody else comes first.
                await super().add(replace(identity, request_id="other"))
            return await super().add(identity)

    desk.store = Raced()
    assert desk.write().version == 2
    assert desk.look(GENERAL).version == 2


def test_wrong_fields_are_refused_and_not_quoted() -> None:
    desk = Desk()
    with pytest.raises(InvalidInput) as caught:
        desk.write(details=replace(DETAILS, birth_date="1949-12-30"))
    assert not [secret for secret in SECRETS if secret in str(caught.value)]
    assert desk.store.rows == []


def test_without_keys_nothing_is_recorded_or_read() -> None:
    desk = Desk(keys=())
    attempts: tuple[Callable[[], object], ...] = (desk.write, lambda: desk.look(GENERAL))
    for attempt in attempts:
        with pytest.raises(NotAllowed) as caught:
            attempt()
        assert [rule.code for rule in caught.value.failed_rules] == ["IDENTITY_KEYS_MISSING"]
    assert desk.store.rows == []


def test_after_a_rotation_both_are_read() -> None:
    desk = Desk()
    first = desk.write(request_id="00000000-0000-4000-8000-00000000000a")
    desk.keys = (NEW, OLD)
    assert desk.look(GENERAL) == first
    assert desk.write(request_id="00000000-0000-4000-8000-00000000000a") == first
    desk.write()
    assert [row.sealed.key_id for row in desk.store.rows] == ["old", "new"]
    desk.keys = (NEW,)
    assert desk.look(GENERAL).version == 2


def test_a_key_that_is_gone_is_said() -> None:
    desk = Desk()
    desk.write()
    desk.keys = (NEW,)
    with pytest.raises(IdentityUnreadable, match="'old' is not given"):
        desk.look(GENERAL)


def test_a_row_that_was_moved_does_not_open() -> None:
    desk = Desk()
    desk.write()
    desk.store.rows[0] = replace(desk.store.rows[0], version=2)
    with pytest.raises(IdentityUnreadable) as caught:
        desk.look(GENERAL)
    assert not [secret for secret in SECRETS if secret in repr(caught.value)]


def test_a_pseudonym_cannot_spoil_the_log() -> None:
    assert resource_of("P,7/x") == "patients/P%2C7%2Fx/identity"


NAMED = "张三 13812345678"


def test_who_a_patient_is_is_kept_under_a_pseudonym() -> None:
    """An identity is the one place for a name: its key is none."""
    with pytest.raises(InvalidInput) as caught:
        Desk(referrals=[replace(accepted().referral, patient=NAMED)]).write(patient=NAMED)
    assert {(each.field, each.reason) for each in caught.value.violations} == {("patient", "NOT_A_PSEUDONYM")}
