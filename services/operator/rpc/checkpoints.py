"""Asks a service for its checkpoints."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from services.operator.rpc.calling import Caller
from services.operator.rpc.own_store import OwnStore
from services.shared.audit.checkpoint import Checkpoint, Head, Link, RecordedVersion
from services.shared.audit.checkpoint_messages import (
    checkpoint_of,
    head_message,
    head_of,
    link_of,
    recorded_of,
)
from tierlink.audit.v1 import audit_service_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["AuditService"]
_PAGE = 1000


class Checkpoints:
    """The checkpoints of one service (`referral`, `bed` or `notification`). Everything raises CallFailed."""

    def __init__(self, caller: Caller, service: str, token: str) -> None:
        self._store = OwnStore(caller, _SERVICE, service, token)

    async def make(self, *, accept_back_dated: bool = False) -> Checkpoint:
        """Has one made of where all chains stand."""
        request = pb.MakeCheckpointRequest(request_id=str(uuid4()), accept_back_dated=accept_back_dated)
        return checkpoint_of((await self._store.call("MakeCheckpoint", request)).checkpoint)

    async def latest(self, *, count_max: int) -> list[Checkpoint]:
        """The latest first."""
        request = pb.ListCheckpointsRequest(page_size=min(_PAGE, count_max))
        return [
            checkpoint_of(each) for each in (await self._store.call("ListCheckpoints", request)).checkpoints
        ]

    async def heads(self, number: int) -> tuple[Head, ...]:
        """All heads of a checkpoint."""
        found: list[Head] = []
        token = ""
        while True:
            request = pb.ListCheckpointHeadsRequest(number=number, page_size=_PAGE, page_token=token)
            page = await self._store.call("ListCheckpointHeads", request)
            found += (head_of(each) for each in page.heads)
            token = page.next_page_token
            if not token:
                return tuple(found)

    async def inclusion(self, number: int, aggregate: str) -> tuple[Head, int, tuple[bytes, ...]]:
        """That an aggregate is in a checkpoint: its head there, its place, and the way to the root."""
        request = pb.ProveInclusionRequest(number=number, aggregate_id=aggregate)
        proof = await self._store.call("ProveInclusion", request)
        return head_of(proof.head), proof.leaf_index, tuple(proof.path)

    async def links(self, heads: Sequence[Head]) -> list[Link]:
        """What the service has today of these heads."""
        found: list[Link] = []
        for start in range(0, len(heads), _PAGE):
            request = pb.GetLinksRequest(heads=[head_message(each) for each in heads[start : start + _PAGE]])
            found += (link_of(each) for each in (await self._store.call("GetLinks", request)).links)
        return found

    async def recorded_before(self, moment: datetime, aggregate: str = "") -> list[RecordedVersion]:
        """Of each aggregate, or of one, the last version that says it was recorded before a moment."""
        found: list[RecordedVersion] = []
        token = ""
        while True:
            request = pb.ListRecordedBeforeRequest(aggregate_id=aggregate, page_size=_PAGE, page_token=token)
            request.recorded_before.FromDatetime(moment)
            page = await self._store.call("ListRecordedBefore", request)
            found += (recorded_of(each) for each in page.versions)
            token = page.next_page_token
            if not token:
                return found
