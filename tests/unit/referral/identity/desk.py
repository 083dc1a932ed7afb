"""Recording and reading identities, with everything behind them in memory."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from services.referral.adapters.identity_cipher import IdentityKey, KeyedIdentityCipher
from services.referral.application.patient_identities import (
    PatientIdentities,
)
from services.referral.application.reading import Reader, View
from services.referral.domain.directory_state import Directory
from services.referral.domain.identity_access import IdentityEvidence
from services.referral.domain.patient_identity import PatientIdentity, RecordIdentity
from services.referral.domain.policy import DEFAULT_POLICY
from services.referral.domain.referral_state import Referral
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import (
    DependencyDown,
)
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.referral.identity.people import DETAILS, MemoryIdentities
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import (
    DIRECTORY,
    START,
    WUCAIWAN,
)
from tests.unit.referral.referral.stories import accepted

T = TypeVar("T")
OLD = IdentityKey("old", b"\x01" * 32)
NEW = IdentityKey("new", b"\x02" * 32)
PATIENT = "P-7"


def of_patient(chart: Chart, **changes: Any) -> Referral:
    """The chart's referral, of this patient."""
    return replace(chart.referral, patient=PATIENT, **changes)


@dataclass
class Desk:
    """The use case with what it stands on, all in memory."""

    store: MemoryIdentities = field(default_factory=MemoryIdentities)
    requests: MemoryEventStore = field(default_factory=MemoryEventStore)
    views: list[View] = field(default_factory=list)
    referrals: list[Referral] = field(default_factory=lambda: [of_patient(accepted())])
    now: datetime = START
    keys: tuple[IdentityKey, ...] = (OLD,)
    is_logging: bool = True

    async def of(self, patient: str) -> tuple[Referral, ...]:
        """As `ReferralsOf`."""
        return tuple(each for each in self.referrals if each.patient == patient)

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
            referrals=self,
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
            "occurred_at": self.now,
            "recorded_at": self.now,
        }
        command = RecordIdentity(patient=context.pop("patient", PATIENT), details=details)
        writing = self.identities().record(
            command, CommandContext(**{**values, **context}), digest, self.reader(actor, "RecordIdentity")
        )
        return run(writing)

    def look(
        self, actor: Actor, patient: str = PATIENT, evidence: IdentityEvidence | None = None
    ) -> PatientIdentity:
        return run(self.identities().read(patient, self.reader(actor, "GetIdentity"), "TREATMENT", evidence))

    def reader(self, actor: Actor, method: str) -> Reader:
        return Reader(actor=actor, method=method, at=self.now, traceparent="")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)
