"""What every service serves for those who watch over the platform: audit trail, dead letters, how it is."""

from collections.abc import Mapping
from typing import Any, Protocol

from services.shared.audit import audit_service
from services.shared.audit.audit_service import AuditServicer, KnownTo
from services.shared.audit.checkpoint_methods import CheckpointServicer, signing_with
from services.shared.audit.checkpoint_store import CheckpointStore
from services.shared.audit.event_methods import StoredEventsServicer
from services.shared.audit.verifiers import Verifiers
from services.shared.dead_letters import dead_letter_service
from services.shared.dead_letters.dead_letter_service import DeadLetterServicer
from services.shared.dead_letters.letter_codec import dead_letter_kind
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.inbox.desk import DeadLetterDesk
from services.shared.lifecycle.decision_kinds import decision_kinds
from services.shared.lifecycle.foundation import Foundation
from services.shared.operations import status_service
from services.shared.operations.certificate import valid_until
from services.shared.operations.condition import ConditionReader
from services.shared.operations.status_service import StatusServicer
from services.shared.rpc.method import StreamMethod, UnaryMethod
from services.shared.rpc.signing import read_signing_key

#: A gRPC service's full name and its methods.
Served = tuple[str, tuple[UnaryMethod[Any, Any] | StreamMethod[Any, Any], ...]]


class Codecs(Protocol):
    """A service's module of codecs."""

    __name__: str
    #: kinds whose events operators are given as they are stored: nobody records who reads those
    EXPORTED_KINDS: frozenset[str]


def oversight(
    foundation: Foundation,
    kinds: Mapping[str, AggregateKind[Any, Any]],
    codecs: Codecs,
    known_to: KnownTo | None = None,
) -> tuple[Served, ...]:
    """The services; `kinds` are the service's own, `codecs` the module whose `build_aggregates` makes them.

    Raises CodecMismatch, SigningKeyError.
    """
    letters = dead_letter_kind()
    verifiers = Verifiers(
        foundation.reading, codecs.__name__, processes_max=foundation.settings.audit_processes
    )
    stored = {**kinds, **decision_kinds()}
    checkpoints = CheckpointStore(foundation.reading, foundation.service)
    audit = AuditServicer(foundation.store, stored, verifiers, known_to, checkpoints.signed_moments)
    dead = DeadLetterServicer(DeadLetterDesk(foundation.reading), foundation.runner, letters)
    status = StatusServicer(
        ConditionReader(foundation.reading, foundation.migrations),
        service=foundation.service,
        parts=foundation.parts,
        # Read when the process begins: a file renewed since is not what callers and Kafka are shown.
        certificate_valid_until=valid_until(foundation.settings.tls_certificate),
        kafka_certificate_valid_until=valid_until(foundation.settings.kafka_certificate),
    )
    beside = (
        *_checkpoints(foundation, checkpoints).methods(),
        *StoredEventsServicer(foundation.store, codecs.EXPORTED_KINDS).methods(),
    )
    return (
        (audit_service.SERVICE, (*audit.methods(), *beside)),
        (dead_letter_service.SERVICE, dead.methods()),
        (status_service.SERVICE, status.methods()),
    )


def _checkpoints(foundation: Foundation, store: CheckpointStore) -> CheckpointServicer:
    key = foundation.settings.checkpoint_key
    sign = None if key is None else signing_with(read_signing_key(key))
    return CheckpointServicer(store, sign)
