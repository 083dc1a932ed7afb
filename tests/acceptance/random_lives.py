"""Referrals of random courses, as two facilities would have them: some end early, some steps are refused."""

import asyncio
from random import Random
from typing import Any
from uuid import UUID

from services.operator.bench.life import PEOPLE, commands_of_a_life, referral_in
from services.operator.rpc.calling import Caller
from services.operator.rpc.failures import CallFailed
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.people import TokenBook
from services.operator.rpc.values import build_message

_REASON = {"code": "OTHER", "text": "随机"}
#: What may be tried instead of the next step, or after the last: who, and with which fields.
_DETOURS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("DeclineReferral", "destination", {"reason": _REASON}),
    ("CancelReferral", "origin", {"reason": _REASON}),
    ("MarkEnteredInError", "origin", {"reason": _REASON}),
    ("RequestInformation", "destination", {"questions": ["CT？"]}),
    ("ProvideInformation", "origin", {"answers": ["未见出血"]}),
    ("WithdrawAcceptance", "destination", {"reason": _REASON}),
    ("StartTreatment", "destination", {}),
    (
        "CompleteTreatment",
        "destination",
        {"discharge_summary": {"outcome": "IMPROVED", "summary": "病情稳定，带药出院"}},
    ),
    ("CloseReferral", "origin", {"outcome_report_acknowledged": True}),
)
_KINDS: tuple[dict[str, Any], ...] = (
    {"pathway": "STROKE", "urgency": "EMERGENCY", "bed_type": "STROKE_UNIT"},
    {"pathway": "GENERAL", "urgency": "ROUTINE", "bed_type": "GENERAL"},
    {"pathway": "CHEST_PAIN", "urgency": "URGENT"},
)


class RandomLives:
    """The same seed asks the same of the platform; what it answers depends on what else is going on."""

    def __init__(self, caller: Caller, tokens: TokenBook, seed: int) -> None:
        self._caller = caller
        self._tokens = tokens
        self._seed = seed
        #: commands that were carried out, and that were refused
        self.done, self.refused = 0, 0

    async def live(self, count: int, *, at_once: int = 12) -> None:
        """Raises CallFailed for what is no refusal."""
        numbers = iter(range(count))

        async def one_after_the_other() -> None:
            for number in numbers:
                await self._life(Random(f"{self._seed}/{number}"))

        await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))

    async def _life(self, chance: Random) -> None:
        create, *changes = commands_of_a_life()
        patient = b"bench-%032x" % chance.getrandbits(128)
        request: Any = rpc_methods()[create.method].request_type.FromString(
            create.fill(_request_id(chance), b"", patient)
        )
        request.MergeFrom(build_message(rpc_methods()[create.method].request, chance.choice(_KINDS)))
        created = await self._asked(create.method, create.who, request)
        if created is None:
            return
        name = referral_in(created.SerializeToString())
        steps = changes[: chance.randrange(len(changes) + 1)]
        for step in steps:
            if chance.random() < 0.2:
                await self._detour(chance, name)
            data = step.fill(_request_id(chance), name, patient)
            await self._asked(step.method, step.who, rpc_methods()[step.method].request_type.FromString(data))
        for _ in range(chance.randrange(5)):
            await self._detour(chance, name)

    async def _detour(self, chance: Random, name: bytes) -> None:
        method, who, fields = chance.choice(_DETOURS)
        built = {"request_id": _request_id(chance).decode(), "name": name.decode(), **fields}
        await self._asked(method, who, build_message(rpc_methods()[method].request, built))

    async def _asked(self, method: str, who: str, request: Any) -> Any:
        try:
            answer = await self._caller.call(rpc_methods()[method], request, self._tokens.token(PEOPLE[who]))
        except CallFailed:
            self.refused += 1
            return None
        self.done += 1
        return answer.message


def _request_id(chance: Random) -> bytes:
    return str(UUID(int=chance.getrandbits(128), version=4)).encode()
