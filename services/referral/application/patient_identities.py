"""Who patients are: recorded and read by those who treat them, each read with its reason.

The name, the numbers and the telephone leave by these two ways alone. Whoever the rule of `identity_access`
does not let in is told that there is nothing; who tried a number that does not fit is on record.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol
from urllib.parse import quote

from services.referral.application.known_directory import KnownDirectory
from services.referral.application.reading import Reader, View, ViewLog
from services.referral.domain import identity_access as access
from services.referral.domain.identity_access import IdentityEvidence, Ties
from services.referral.domain.patient_identity import (
    IdentityDetails,
    PatientIdentity,
    RecordIdentity,
    record_faults,
)
from services.referral.domain.readers import reading_facilities
from services.referral.domain.referral_state import Referral
from services.referral.domain.texts import text
from services.shared.eventstore.store import EventStore
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import (
    FailedRule,
    InvalidInput,
    NotAllowed,
    NotFound,
    Overloaded,
    RequestIdReused,
    StaleVersion,
)

RESOURCE = "PatientIdentity"

WRITERS = (Role.CLINICIAN, Role.REFERRAL_OFFICE)
READERS = (*WRITERS, Role.COORDINATOR)

#: Tries of one recording before the caller is told to come back.
_ATTEMPTS_MAX = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """Details that nobody reads without the key of that id."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredIdentity:
    """One version as it is kept."""

    #: pseudonym
    patient: str
    version: int
    sealed: Sealed
    recorded_at: datetime
    recorded_by: str
    facility: str
    request_id: str
    #: of the request, keyed: a bare digest of an identity number is soon guessed
    request_tag: bytes


class IdentityCipher(Protocol):
    """Encrypts and decrypts, each bound to the patient and version. Raises IdentityUnreadable."""

    def seal(self, details: IdentityDetails, patient: str, version: int) -> Sealed: ...

    def open(self, sealed: Sealed, patient: str, version: int) -> IdentityDetails: ...

    def tag(self, digest: bytes, key_id: str) -> bytes:
        """A keyed digest, comparable under the same key alone."""
        ...


class IdentityUnreadable(Exception):
    """The key is not at hand, or what is stored is not what was written. Says nothing of the contents."""


class IdentityStore(Protocol):
    """Keeps every version. Raises DependencyDown."""

    async def latest(self, patient: str) -> StoredIdentity | None: ...

    async def registrars(self, patient: str) -> frozenset[str]:
        """Facilities that recorded a version."""
        ...

    async def by_request(self, request_id: str) -> StoredIdentity | None: ...

    async def add(self, identity: StoredIdentity) -> bool:
        """False when that version or that request id is there already."""
        ...


class ReferralsOf(Protocol):
    """Finds a patient's referrals, whoever takes part. Raises DependencyDown."""

    async def of(self, patient: str) -> tuple[Referral, ...]: ...


class PatientIdentities:
    """Records and reads. Without a cipher both are refused: nothing is ever kept in clear.

    `requests` knows the request ids of all other commands.
    """

    def __init__(
        self,
        *,
        store: IdentityStore,
        requests: EventStore,
        cipher: IdentityCipher | None,
        referrals: ReferralsOf,
        directory: KnownDirectory,
        views: ViewLog,
        today: Callable[[datetime], date],
    ) -> None:
        self._store = store
        self._requests = requests
        self._cipher = cipher
        self._referrals = referrals
        self._directory = directory
        self._views = views
        self._today = today

    async def record(
        self, command: RecordIdentity, context: CommandContext, digest: bytes, reader: Reader
    ) -> PatientIdentity:
        """The new version, once the write is recorded; the same request again gives the first reply.

        Raises NotAllowed without keys, NotFound for whoever may not, RequestIdReused, InvalidInput,
        StaleVersion, Overloaded, DependencyDown.
        """
        cipher = self._keyed()
        await self._expect_writer(cipher, command, reader)
        earlier = await self._earlier(cipher, context.request_id, digest)
        if earlier is not None:
            return earlier
        faults = record_faults(command, self._today(context.recorded_at))
        if faults:
            raise InvalidInput(*faults)
        for _ in range(_ATTEMPTS_MAX):
            current = await self._version(command.patient)
            if context.expected_version not in (None, current):
                raise StaleVersion(
                    resource_name=resource_of(command.patient),
                    expected=context.expected_version or 0,
                    current=current,
                )
            await self._log(command.patient, reader, f"RECORDED, version {current + 1}")
            stored = _new_version(cipher, command, context, current + 1, digest)
            if await self._store.add(stored):
                return _shown(stored, command.details)
            # Somebody was faster: another version, or this very request.
            earlier = await self._earlier(cipher, context.request_id, digest)
            if earlier is not None:
                return earlier
        raise Overloaded("the identity changes too often; try again")

    async def read(
        self, patient: str, reader: Reader, reason: str, evidence: IdentityEvidence | None = None
    ) -> PatientIdentity:
        """The latest version, once the read is recorded.

        Raises NotAllowed without keys, NotFound for whoever may not or when nothing was recorded,
        DependencyDown, IdentityUnreadable.
        """
        cipher = self._keyed()
        stored = await self._store.latest(patient)
        ties = await self._ties(patient, reader.at)
        known = self._may_read(ties, reader.actor, proven=False)
        # Only who has a part is compared at all: to others it would answer whether a number is the patient's.
        proves = evidence is not None and not known and self._may_read(ties, reader.actor, proven=True)
        if stored is None or not (known or proves):
            raise NotFound(RESOURCE, resource_of(patient))
        details = cipher.open(stored.sealed, patient, stored.version)
        if evidence is not None and proves and not access.proves(evidence, details):
            # Whoever tries numbers is seen to.
            await self._log(patient, reader, f"EVIDENCE_REFUSED, {reason}")
            raise NotFound(RESOURCE, resource_of(patient))
        await self._log(patient, reader, f"{reason} (EVIDENCE)" if proves else reason)
        return _shown(stored, details)

    async def _log(self, patient: str, reader: Reader, reason: str) -> None:
        view = View(
            at=reader.at,
            actor=reader.actor,
            method=reader.method,
            resources=(resource_of(patient),),
            traceparent=reader.traceparent,
            reason=reason,
        )
        await self._views.record(view)

    def _keyed(self) -> IdentityCipher:
        if self._cipher is None:
            rule = FailedRule(code="IDENTITY_KEYS_MISSING", text=text("IDENTITY_KEYS_MISSING"))
            raise NotAllowed(state="", allowed_commands=(), failed_rules=(rule,))
        return self._cipher

    async def _ties(self, patient: str, now: datetime) -> Ties:
        return Ties(
            registrars=await self._store.registrars(patient),
            referrals=await self._referrals.of(patient),
            now=now,
        )

    async def _expect_writer(self, cipher: IdentityCipher, command: RecordIdentity, reader: Reader) -> None:
        """Raises NotFound. The roles by which operators and the system read everything open nothing here."""
        patient, actor = command.patient, reader.actor
        ties = await self._ties(patient, reader.at)
        stored = await self._store.latest(patient)
        if _has_role(actor, WRITERS):
            if access.may_write(ties, actor.facility, proven=False):
                return
            # What is written proves what the writer has at hand; only who has a part is compared at all.
            if stored is not None and access.may_write(ties, actor.facility, proven=True):
                if access.proves(command.details, cipher.open(stored.sealed, patient, stored.version)):
                    return
                await self._log(patient, reader, "EVIDENCE_REFUSED")
        raise NotFound(RESOURCE, resource_of(patient))

    def _may_read(self, ties: Ties, actor: Actor, *, proven: bool) -> bool:
        if _has_role(actor, WRITERS) and access.may_read(ties, actor.facility, proven=proven):
            return True
        # The roles by which operators and the system read everything open nothing here.
        coordinating = replace(actor, roles=(Role.COORDINATOR,))
        facilities = reading_facilities(coordinating, self._directory.current())
        return actor.has_role(Role.COORDINATOR) and access.may_coordinate(ties, facilities or ())

    async def _version(self, patient: str) -> int:
        latest = await self._store.latest(patient)
        return 0 if latest is None else latest.version

    async def _earlier(
        self, cipher: IdentityCipher, request_id: str, digest: bytes
    ) -> PatientIdentity | None:
        """What this request recorded before. Raises RequestIdReused when it was another one."""
        stored = await self._store.by_request(request_id)
        if stored is None:
            if await self._requests.find_request(request_id) is not None:
                raise RequestIdReused(request_id)
            return None
        if cipher.tag(digest, stored.sealed.key_id) != stored.request_tag:
            raise RequestIdReused(request_id)
        return _shown(stored, cipher.open(stored.sealed, stored.patient, stored.version))


def _has_role(actor: Actor, roles: tuple[Role, ...]) -> bool:
    return actor.facility != "" and actor.has_role(*roles)


def resource_of(patient: str) -> str:
    """The name under which reads are recorded."""
    return f"patients/{quote(patient, safe='')}/identity"


def _new_version(
    cipher: IdentityCipher, command: RecordIdentity, context: CommandContext, version: int, digest: bytes
) -> StoredIdentity:
    sealed = cipher.seal(command.details, command.patient, version)
    return StoredIdentity(
        patient=command.patient,
        version=version,
        sealed=sealed,
        recorded_at=context.recorded_at,
        recorded_by=context.actor.user,
        facility=context.actor.facility,
        request_id=context.request_id,
        request_tag=cipher.tag(digest, sealed.key_id),
    )


def _shown(stored: StoredIdentity, details: IdentityDetails) -> PatientIdentity:
    return PatientIdentity(
        patient=stored.patient,
        version=stored.version,
        details=details,
        recorded_at=stored.recorded_at,
        recorded_by=stored.recorded_by,
        facility=stored.facility,
    )
