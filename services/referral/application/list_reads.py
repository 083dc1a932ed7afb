"""Who looked at a patient's record: for operators, and for the offices that answer for it.

Health data are sensitive personal information (GB/T 39725-2020): every view is kept, and whoever answers for
a record may ask who saw it. Of a list only what is asked about is shown, never what else was on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.referral.application.aggregates import Aggregates
from services.referral.application.listing import ListFilter
from services.referral.application.patient_identities import resource_of
from services.referral.application.reading import Reader, Reading
from services.referral.domain.texts import text
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import FieldViolation, InvalidInput, NotFound, NotPermitted

_ASKERS = (Role.REFERRAL_OFFICE, Role.COORDINATOR, Role.OPERATOR)
#: A patient with more referrals, consultations, episodes and standing orders of one kind: the latest ones.
_OF_A_KIND_MAX = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadsQuery:
    """Of one resource or of one patient, in a period."""

    #: such as `referrals/{uuid}`
    resource: str = ""
    #: pseudonym
    patient: str = ""
    read_from: datetime | None = None
    read_before: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedRead:
    """Somebody looked."""

    at: datetime
    user: str
    facility: str
    roles: tuple[str, ...]
    #: RPC
    method: str
    #: of those that are asked about
    resources: tuple[str, ...]
    #: coded, with words; empty where none is asked for
    reason: str
    #: W3C traceparent of the call
    traceparent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadsPage:
    """The latest reads first, and where to go on; None when there is no more."""

    reads: tuple[RecordedRead, ...]
    next_after: str | None


class ReadLog(Protocol):
    """Raises DependencyDown when the log is away, ValueError for a place that is none of the log's."""

    async def reads(
        self,
        resources: Sequence[str],
        read_from: datetime | None,
        read_before: datetime | None,
        *,
        after: str | None,
        limit: int,
    ) -> ReadsPage: ...


class RecordedReads:
    """Answers ListReads."""

    def __init__(self, kinds: Aggregates, reading: Reading, log: ReadLog) -> None:
        self._kinds = kinds
        self._reading = reading
        self._log = log

    async def list(self, query: ReadsQuery, reader: Reader, *, after: str | None, limit: int) -> ReadsPage:
        """Asking is itself a read, and recorded.

        Raises InvalidInput unless one of resource and patient is asked about, NotFound for what the actor may
        not know of, NotPermitted for other roles, ValueError for a bad place.
        """
        if bool(query.resource) == bool(query.patient):
            raise InvalidInput(
                FieldViolation(
                    field="resource", reason="ONE_OF", description="one of resource and patient is given"
                )
            )
        resources = await self._resources(query, reader)
        _expect_asker(reader.actor)
        return await self._log.reads(resources, query.read_from, query.read_before, after=after, limit=limit)

    async def _resources(self, query: ReadsQuery, reader: Reader) -> tuple[str, ...]:
        if query.resource:
            await self._reading.one(self._kinds.of(query.resource), query.resource, reader)
            return (query.resource,)
        found: list[str] = []
        kinds = self._kinds
        for kind in (kinds.referral, kinds.consultation, kinds.episode, kinds.standing):
            page = await self._reading.look_through(
                kind, ListFilter(patient=query.patient), reader, limit=_OF_A_KIND_MAX
            )
            found += [state.name for state in page.states]
        if not found:
            raise NotFound("Patient", f"patients/{query.patient}")
        # Who looked up the name behind the pseudonym matters most.
        found.append(resource_of(query.patient))
        await self._reading.shown(reader, *found)
        return tuple(found)


def _expect_asker(actor: Actor) -> None:
    if not actor.has_role(*_ASKERS):
        raise NotPermitted("WRONG_ROLE", text("READS_FOR_OFFICES"))
