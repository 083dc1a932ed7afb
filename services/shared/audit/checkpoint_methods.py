"""The part of the AuditService that is about checkpoints."""

import asyncio
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.shared.audit.checkpoint import Checkpoint, Head, Statement
from services.shared.audit.checkpoint_messages import (
    checkpoint_message,
    head_message,
    head_of,
    link_message,
    recorded_message,
)
from services.shared.audit.checkpoint_store import CheckpointOrder, CheckpointStore, Sign
from services.shared.audit.merkle import inclusion_path
from services.shared.commands.command_method import command_context, request_digest
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import (
    FailedRule,
    FieldViolation,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotPermitted,
)
from services.shared.kernel.text import BilingualText
from services.shared.protocodec.shapes import timestamp_to_datetime
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod, unary_methods
from services.shared.rpc.paging import list_digest, page_size, page_token, position_number, position_text
from services.shared.rpc.signing import SigningKey
from tierlink.audit.v1 import audit_service_pb2 as pb


def signing_with(key: SigningKey) -> Sign:
    """Signs statements with a key."""
    public_key = key.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(statement: Statement) -> Checkpoint:
        signature = key.private_key.sign(statement.signed_bytes())
        return Checkpoint(statement=statement, public_key=public_key, signature=signature)

    return sign


class CheckpointServicer:
    """Serves operators and the system; everybody else is refused with NotPermitted.

    Without `sign`, checkpoints that were made are served and none is made.
    """

    def __init__(self, store: CheckpointStore, sign: Sign | None) -> None:
        self._store = store
        self._sign = sign

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return unary_methods(
            pb,
            {
                "MakeCheckpoint": self.make,
                "ListCheckpoints": self.list_checkpoints,
                "ListCheckpointHeads": self.list_heads,
                "ProveInclusion": self.prove_inclusion,
                "GetLinks": self.get_links,
                "ListRecordedBefore": self.list_recorded_before,
            },
        )

    async def make(self, request: pb.MakeCheckpointRequest, call: Call) -> pb.MakeCheckpointResponse:
        """Raises NotAllowed without a key, and as `CheckpointStore.make`."""
        _check_actor(call.actor)
        if self._sign is None:
            text = BilingualText(
                zh="未配置存证签名密钥 TIERLINK_CHECKPOINT_KEY",
                en="there is no key to sign with: TIERLINK_CHECKPOINT_KEY",
            )
            rule = FailedRule(code="NO_CHECKPOINT_KEY", text=text)
            raise NotAllowed(
                state="NO_KEY", allowed_commands=(), failed_rules=(rule,), resource_name="checkpoints"
            )
        order = CheckpointOrder(
            context=command_context(request, call),
            digest=request_digest(request, call),
            accept_back_dated=request.accept_back_dated,
        )
        made = await self._store.make(order, self._sign)
        return pb.MakeCheckpointResponse(checkpoint=checkpoint_message(made))

    async def list_checkpoints(
        self, request: pb.ListCheckpointsRequest, call: Call
    ) -> pb.ListCheckpointsResponse:
        """Raises InvalidInput for a page token that is not this list's."""
        _check_actor(call.actor)
        size, bound_to = page_size(request.page_size), list_digest(request)
        before = position_number(request.page_token, bound_to=bound_to)
        found = await self._store.latest(before=before, limit=size + 1)
        more = found[size - 1].statement.number if len(found) > size else None
        return pb.ListCheckpointsResponse(
            checkpoints=[checkpoint_message(each) for each in found[:size]],
            next_page_token=page_token(more, bound_to=bound_to),
        )

    async def list_heads(
        self, request: pb.ListCheckpointHeadsRequest, call: Call
    ) -> pb.ListCheckpointHeadsResponse:
        """Raises NotFound, and InvalidInput for a page token that is not this list's."""
        _check_actor(call.actor)
        await self._found(request.number)
        size, bound_to = page_size(request.page_size), list_digest(request)
        after = position_text(request.page_token, bound_to=bound_to) or ""
        found = await self._store.heads(request.number, after=after, limit=size + 1)
        more = found[size - 1].aggregate_id if len(found) > size else None
        return pb.ListCheckpointHeadsResponse(
            heads=[head_message(each) for each in found[:size]],
            next_page_token=page_token(more, bound_to=bound_to),
        )

    async def prove_inclusion(
        self, request: pb.ProveInclusionRequest, call: Call
    ) -> pb.ProveInclusionResponse:
        """Raises NotFound for a checkpoint that does not exist, or an aggregate that is not in it."""
        _check_actor(call.actor)
        checkpoint = await self._found(request.number)
        heads = await self._store.all_heads(request.number)
        index = next(
            (place for place, head in enumerate(heads) if head.aggregate_id == request.aggregate_id), None
        )
        if index is None:
            raise NotFound("aggregate", request.aggregate_id)
        path = await asyncio.to_thread(_path, heads, index)
        return pb.ProveInclusionResponse(
            checkpoint=checkpoint_message(checkpoint),
            head=head_message(heads[index]),
            leaf_index=index,
            path=path,
        )

    async def get_links(self, request: pb.GetLinksRequest, call: Call) -> pb.GetLinksResponse:
        """What is not there is said so: nothing is refused."""
        _check_actor(call.actor)
        links = await self._store.links([head_of(each) for each in request.heads])
        return pb.GetLinksResponse(links=[link_message(each) for each in links])

    async def list_recorded_before(
        self, request: pb.ListRecordedBeforeRequest, call: Call
    ) -> pb.ListRecordedBeforeResponse:
        """Raises InvalidInput for a moment of no era, and for a page token that is not this list's."""
        _check_actor(call.actor)
        try:
            moment = timestamp_to_datetime(request.recorded_before)
        except OverflowError as error:
            violation = FieldViolation(
                field="recorded_before", reason="TIMESTAMP_RANGE", description="is not a moment of this era"
            )
            raise InvalidInput(violation) from error
        size, bound_to = page_size(request.page_size), list_digest(request)
        found = await self._store.recorded_before(
            moment,
            aggregate_id=request.aggregate_id,
            after=position_text(request.page_token, bound_to=bound_to) or "",
            limit=size + 1,
        )
        more = found[size - 1].aggregate_id if len(found) > size else None
        return pb.ListRecordedBeforeResponse(
            versions=[recorded_message(each) for each in found[:size]],
            next_page_token=page_token(more, bound_to=bound_to),
        )

    async def _found(self, number: int) -> Checkpoint:
        checkpoint = await self._store.get(number)
        if checkpoint is None:
            raise NotFound("Checkpoint", str(number))
        return checkpoint


def _path(heads: list[Head], index: int) -> tuple[bytes, ...]:
    return inclusion_path([head.leaf() for head in heads], index)


def _check_actor(actor: Actor) -> None:
    if not actor.has_role(Role.OPERATOR, Role.SYSTEM):
        text = BilingualText(zh="仅运维人员可使用审计存证", en="only operators use checkpoints")
        raise NotPermitted("ROLE_NOT_PERMITTED", text)
