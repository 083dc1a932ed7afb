"""The DeadLetterService of one service's inbox: entrypoint of a mechanism, the same for all three.

A decision is appended first and carried out after it. Whoever sends the request again after a crash between
the two gets the same reply, and what was not carried out is: both steps change nothing the second time.
"""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.shared.commands.command_method import command_context, request_digest
from services.shared.dead_letters import decisions
from services.shared.dead_letters.decisions import DecisionEvent, DiscardOrdered, LetterFile, RedriveOrdered
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply, Work
from services.shared.inbox.desk import DeadLetter, DeadLetterDesk, LetterRecord
from services.shared.kernel.refusals import FailedRule, NotAllowed, NotFound
from services.shared.kernel.text import BilingualText
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod, unary_methods
from services.shared.rpc.paging import list_digest, page_size, page_token, position_number
from tierlink.inbox.v1 import dead_letter_service_pb2 as pb

SERVICE = "tierlink.inbox.v1.DeadLetterService"


class DeadLetterServicer:
    """Serves operators; everybody else is refused."""

    def __init__(
        self, desk: DeadLetterDesk, runner: CommandRunner, kind: AggregateKind[LetterFile, DecisionEvent]
    ) -> None:
        self._desk = desk
        self._runner = runner
        self._kind = kind

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return unary_methods(
            pb,
            {
                "SummarizeDeadLetters": self.summarize,
                "ListDeadLetters": self.list_letters,
                "GetDeadLetter": self.get_letter,
                "RedriveDeadLetters": self.redrive,
                "DiscardDeadLetter": self.discard,
            },
        )

    async def summarize(
        self, request: pb.SummarizeDeadLettersRequest, call: Call
    ) -> pb.SummarizeDeadLettersResponse:
        decisions.check_actor(call.actor)
        found = await self._desk.summary()
        return pb.SummarizeDeadLettersResponse(
            reasons=[
                pb.DeadLetterReason(
                    topic=each.topic,
                    error=each.error,
                    letters_count=each.letters_count,
                    oldest_at=_timestamp(each.oldest_at),
                )
                for each in found.reasons
            ],
            parked=[
                pb.ParkedAggregate(
                    topic=each.topic,
                    aggregate=each.aggregate,
                    letters_count=each.letters_count,
                    parked_count=each.parked_count,
                    handled_version=each.handled_version,
                    waits_since=_timestamp(each.waits_since),
                )
                for each in found.parked
            ],
            letters_count=found.letters_count,
            parked_aggregates_count=found.parked_aggregates_count,
        )

    async def list_letters(
        self, request: pb.ListDeadLettersRequest, call: Call
    ) -> pb.ListDeadLettersResponse:
        """Raises InvalidInput for a page token that is not this list's."""
        decisions.check_actor(call.actor)
        size, bound_to = page_size(request.page_size), list_digest(request)
        after = position_number(request.page_token, bound_to=bound_to) or 0
        letters = await self._desk.open_letters(after_id=after, limit=size + 1)
        page = letters[:size]
        more = page[-1].letter_id if len(letters) > size else None
        return pb.ListDeadLettersResponse(
            letters=[_letter(each) for each in page], next_page_token=page_token(more, bound_to=bound_to)
        )

    async def get_letter(self, request: pb.GetDeadLetterRequest, call: Call) -> pb.GetDeadLetterResponse:
        """Raises NotFound when there is no such letter."""
        decisions.check_actor(call.actor)
        found = await self._record(request.id)
        return pb.GetDeadLetterResponse(
            letter=_letter(found.letter),
            key=found.key or b"",
            value=found.value or b"",
            headers=[pb.RecordHeader(name=name, value=value) for name, value in found.headers],
            parked_count=found.parked_count,
        )

    async def redrive(
        self, request: pb.RedriveDeadLettersRequest, call: Call
    ) -> pb.RedriveDeadLettersResponse:
        """Raises NotFound when the aggregate has no open dead letter."""
        decisions.check_actor(call.actor)
        letters = await self._desk.letters_of(request.topic, request.aggregate)
        event = RedriveOrdered(
            topic=request.topic, aggregate=request.aggregate, letters=letters, reason=request.reason
        )
        name = decisions.file_name(request.topic, request.aggregate, partition=0, offset=0)
        missing = None if letters else NotFound("DeadLetter", f"{request.topic}/{request.aggregate}")
        decided = await self._decided(request, call, name, event, missing)
        await self._desk.redrive(request.topic, request.aggregate, decided)
        return pb.RedriveDeadLettersResponse(letters=decided)

    async def discard(self, request: pb.DiscardDeadLetterRequest, call: Call) -> pb.DiscardDeadLetterResponse:
        """Raises NotFound, and NotAllowed while an event before it is missing or is a dead letter itself."""
        decisions.check_actor(call.actor)
        found = await self._record(request.id)
        letter = found.letter
        event = DiscardOrdered(
            topic=letter.topic,
            aggregate=letter.aggregate_id or "",
            letter=letter.letter_id,
            partition=letter.partition,
            offset=letter.offset,
            version=letter.version or 0,
            reason=request.reason,
        )
        name = decisions.file_name(
            letter.topic, letter.aggregate_id, partition=letter.partition, offset=letter.offset
        )
        await self._decided(request, call, name, event, _refusal(found))
        await self._desk.skip(request.id)
        return pb.DiscardDeadLetterResponse(letter=_letter(letter))

    async def _record(self, letter_id: int) -> LetterRecord:
        found = await self._desk.record(letter_id)
        if found is None:
            raise NotFound("DeadLetter", str(letter_id))
        return found

    async def _decided(
        self, request: Any, call: Call, name: str, event: DecisionEvent, refusal: Exception | None
    ) -> tuple[int, ...]:
        """Appends the decision, or finds it under its request id; the letters that it is about.

        Raises `refusal` for a decision that is new, RequestIdReused.
        """

        async def use_case(work: Work) -> Reply[LetterFile]:
            await work.load_target(self._kind, name)
            if refusal is not None:
                raise refusal
            await work.record(self._kind, name, (event,))
            return work.reply(self._kind, name)

        context = command_context(request, call)
        digest = request_digest(request, call)
        reply = await self._runner.run(use_case, context, kind=self._kind, target=name, digest=digest)
        return reply.state.decisions[-1].letters


def _refusal(found: LetterRecord) -> NotFound | NotAllowed | None:
    letter_id = str(found.letter.letter_id)
    if not found.is_open:
        return NotFound("DeadLetter", letter_id)
    if found.is_next:
        return None
    text = BilingualText(
        zh="同一对象较早的事件尚缺或仍为死信，请先处理",
        en="an earlier event is missing or is a dead letter itself",
    )
    rule = FailedRule(code="EARLIER_EVENT_MISSING", text=text)
    return NotAllowed(state="OPEN", allowed_commands=(), failed_rules=(rule,), resource_name=letter_id)


def _letter(letter: DeadLetter) -> pb.DeadLetter:
    return pb.DeadLetter(
        id=letter.letter_id,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        aggregate=letter.aggregate_id or "",
        version=letter.version or 0,
        error=letter.error,
        attempts=letter.attempts,
        failed_at=_timestamp(letter.failed_at),
    )


def _timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment.astimezone(UTC))
    return stamp
