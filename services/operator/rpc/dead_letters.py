"""Asks a service for its dead letters, and tells it what becomes of them."""

from uuid import uuid4

from services.operator.rpc.calling import Caller
from services.operator.rpc.own_store import OwnStore
from tierlink.inbox.v1 import dead_letter_service_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["DeadLetterService"]
_PAGE = 200


class DeadLetters:
    """The dead letters of one service (`referral`, `bed` or `notification`). Everything raises CallFailed."""

    def __init__(self, caller: Caller, service: str, token: str) -> None:
        self._store = OwnStore(caller, _SERVICE, service, token)

    async def summary(self) -> pb.SummarizeDeadLettersResponse:
        """How many for which reason, and who waits behind them."""
        return await self._store.call("SummarizeDeadLetters", pb.SummarizeDeadLettersRequest())  # type: ignore[no-any-return]

    async def letters(self, *, count_max: int) -> list[pb.DeadLetter]:
        """The oldest open ones, at most so many."""
        found: list[pb.DeadLetter] = []
        token = ""
        while len(found) < count_max:
            request = pb.ListDeadLettersRequest(
                page_size=min(_PAGE, count_max - len(found)), page_token=token
            )
            page = await self._store.call("ListDeadLetters", request)
            found += page.letters
            token = page.next_page_token
            if not token:
                break
        return found

    async def letter(self, letter_id: int) -> pb.GetDeadLetterResponse:
        """One, with the record as it came."""
        return await self._store.call("GetDeadLetter", pb.GetDeadLetterRequest(id=letter_id))  # type: ignore[no-any-return]

    async def redrive(self, topic: str, aggregate: str, *, reason: str) -> list[int]:
        """Has an aggregate's open letters handled again; their ids."""
        request = pb.RedriveDeadLettersRequest(
            request_id=str(uuid4()), topic=topic, aggregate=aggregate, reason=reason
        )
        return list((await self._store.call("RedriveDeadLetters", request)).letters)

    async def discard(self, letter_id: int, *, reason: str) -> pb.DeadLetter:
        """Gives one up."""
        request = pb.DiscardDeadLetterRequest(request_id=str(uuid4()), id=letter_id, reason=reason)
        return (await self._store.call("DiscardDeadLetter", request)).letter  # type: ignore[no-any-return]
