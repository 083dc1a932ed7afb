"""Recording and reading identities, with everything behind them in memory."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from services.referral.adapters.identity_cipher import IdentityKey, KeyedIdentityCipher
from services.referral.application.listing import ListQuery
from services.referral.application.patient_identities import (
    PatientIdentities,
)
from services.referral.application.reading import Reader, View
from services.referral.domain.directory_state import Directory
from services.referral.domain.patient_identity import PatientIdentity, RecordIdentity
from services.referral.domain.policy import DEFAULT_POLICY
from services.shared.eventstore.store import StreamPage
from services.shared.eventstore.units import StoredStream
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import (
    DependencyDown,
)
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.referral.identity.people import DETAILS, MemoryIdentities
from tests.unit.referral.referral.network import (
    DIRECTORY,
    START,
    WUCAIWAN,
)

T = TypeVar("T")
OLD = IdentityKey("old", b"\x01" * 32)
NEW = IdentityKey("new", b"\x02" * 32)
PATIENT = "P-7"
#: Who takes part in the one referral of the patient, which is live or past.
PARTIES = frozenset({"wucaiwan", "jimsar-general", "ambulance-120"})


@dataclass
class Desk:
    """The use case with what it stands on, all in memory."""

    store: MemoryIdentities = field(default_factory=MemoryIdentities)
    requests: MemoryEventStore = field(default_factory=MemoryEventStore)
    views: list[View] = field(default_factory=list)
    asked: list[ListQuery] = field(default_factory=list)
    keys: tuple[IdentityKey, ...] = (OLD,)
    is_logging: bool = True

    async def page(self, query: ListQuery) -> StreamPage:
        """As `Listings`: one referral of one patient."""
        self.asked.append(query)
        of_patient = query.wanted.patient == PATIENT and query.kind == "referral"
        if of_patient and query.parties is not None and PARTIES.intersection(query.parties):
            found = StoredStream(
                stream_id="referrals/1",
                kind="referral",
                version=1,
                head_hash=b"",
                snapshot=b"",
                fold_version=1,
            )
            return StreamPage(streams=(found,), next_after=None)
        return StreamPage(streams=(), next_after=None)

    async def record(self, view: View) -> None:
        """As `ViewLog`."""
        if not self.is_logging:
            raise DependencyDown("postgres", "away")
        self.views.append(view)

    def current(self) -> Directory:
        """As `KnownDirectory`."""
        return DIRECTORY

    def replace(self, directory: Directory) -> None:
        raise AssertionError(directory)

    def identities(self) -> PatientIdentities:
        return PatientIdentities(
            store=self.store,
            requests=self.requests,
            cipher=KeyedIdentityCipher(self.keys) if self.keys else None,
            listings=self,
            directory=self,
            views=self,
            today=DEFAULT_POLICY.day_of,
        )

    def write(
        self, actor: Actor = WUCAIWAN, digest: bytes = b"body", details: Any = DETAILS, **context: Any
    ) -> PatientIdentity:
        values = {
            "request_id": f"00000000-0000-4000-8000-{len(self.store.rows):012}",
            "actor": actor,
            "occurred_at": START,
            "recorded_at": START,
        }
        command = RecordIdentity(patient=PATIENT, details=details)
        return run(self.identities().record(command, CommandContext(**{**values, **context}), digest))

    def look(self, actor: Actor, patient: str = PATIENT) -> PatientIdentity:
        reader = Reader(actor=actor, method="GetIdentity", at=START, traceparent="")
        return run(self.identities().read(patient, reader, "TREATMENT"))


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)
