"""The RPC of who looked at what; part of `ReferralService`."""

from typing import Any

from services.referral.application.list_reads import ReadsQuery, RecordedRead, RecordedReads
from services.referral.entrypoints.grpc.reading import moment_in, reader_of
from services.shared.protocodec import MessageCodec
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from services.shared.rpc.paging import bad_token, list_digest, page_size, page_token, position_text
from tierlink.referral.v1 import read_log_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb

_READ: MessageCodec[RecordedRead, read_log_pb2.RecordedRead] = MessageCodec(
    RecordedRead, read_log_pb2.RecordedRead
)


class ReadsServicer:
    """Lists recorded reads."""

    def __init__(self, reads: RecordedReads) -> None:
        self._reads = reads

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="ListReads",
                request_type=pb.ListReadsRequest,
                response_type=pb.ListReadsResponse,
                handler=self.list_reads,
            ),
        )

    async def list_reads(self, request: pb.ListReadsRequest, call: Call) -> pb.ListReadsResponse:
        bound_to = list_digest(request)
        query = ReadsQuery(
            resource=request.resource,
            patient=request.patient,
            read_from=moment_in(request, "read_from"),
            read_before=moment_in(request, "read_before"),
        )
        after = position_text(request.page_token, bound_to=bound_to)
        try:
            page = await self._reads.list(
                query, reader_of(call), after=after, limit=page_size(request.page_size)
            )
        except ValueError as error:
            if after is None:
                raise
            raise bad_token() from error
        return pb.ListReadsResponse(
            reads=[_READ.to_message(each) for each in page.reads],
            next_page_token=page_token(page.next_after, bound_to=bound_to),
        )
