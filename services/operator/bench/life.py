"""The six commands of one referral's life, as bytes that a client sends and as fast as it can make them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.values import build_message
from services.shared.kernel.actor import Actor, Role

ORIGIN = "wucaiwan"
DESTINATION = "jimsar-general"
#: Who acts, by facility: one token each.
PEOPLE = {
    "origin": Actor(user="bench-origin", name="Bench origin", facility=ORIGIN, roles=(Role.CLINICIAN,)),
    "destination": Actor(
        user="bench-destination", name="Bench destination", facility=DESTINATION, roles=(Role.CLINICIAN,)
    ),
}

#: As long as what takes their places, so that a command is made by two replacements.
_REQUEST_ID = b"00000000-0000-4000-8000-000000000001"
_REFERRAL = b"referrals/00000000-0000-4000-8000-000000000002"
_PATIENT = b"bench-00000000000000000000000000000003"
_NAME_PREFIX = b"referrals/"

SUMMARY = {
    "diagnosis_code": "I63.9",
    "diagnosis_name": "急性脑梗死 Acute cerebral infarction",
    "referral_reason": "溶栓后脱离危险，转卒中单元监护并早期康复治疗",
    "symptoms": "右侧肢体无力、言语不清，溶栓后 20 分钟明显好转",
    "treatment_given": "01:45 替奈普酶 17.5 mg 静脉推注；20 分钟后 NIHSS 由 11 降至 4",
    "allergies": "无",
    "nihss": 4,
    "systolic_mmhg": 152,
    "diastolic_mmhg": 84,
    "heart_rate_per_minute": 78,
    "sex": "M",
    "age_years": 58,
}
TRANSPORT = {"crew_level": "ADVANCED", "vehicle": "120 救护车", "escort": "医师与护士各一人"}
HANDOVER = {
    "summary": "溶栓后 35 分钟。每 15 分钟评估神经功能与血压，血压维持低于 180/105 mmHg。",
    "medications_given": ["01:45 替奈普酶 17.5 mg 静脉推注"],
    "pending_results": ["凝血功能复查"],
}
_CREATE = {
    "patient": _PATIENT.decode(),
    "destinations": [DESTINATION],
    "urgency": "EMERGENCY",
    "pathway": "STROKE",
    "clinical_summary": SUMMARY,
    "consent": {"recorded": True, "given_by": "FAMILY"},
}
_CHANGES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("AcknowledgeOffer", "destination", {}),
    (
        "AcceptReferral",
        "destination",
        {"accepting_clinician": {"user": "bench-destination", "name": "值班医师", "department": "卒中中心"}},
    ),
    (
        "ArrangeTransport",
        "origin",
        {"transport": TRANSPORT},
    ),
    (
        "DepartPatient",
        "origin",
        {"handover_document": HANDOVER},
    ),
    ("ReportArrival", "destination", {"patient": _PATIENT.decode()}),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One RPC of a life, with placeholders for what differs from life to life."""

    method: str
    #: `/package.Service/Method`
    path: str
    #: key of `PEOPLE`
    who: str
    template: bytes

    @property
    def field(self) -> str:
        """Name of the command in an item of a batch."""
        return re.sub("(?<!^)(?=[A-Z])", "_", self.method).lower()

    def fill(self, request_id: bytes, referral: bytes, patient: bytes) -> bytes:
        """The request's bytes."""
        filled = self.template.replace(_REQUEST_ID, request_id).replace(_PATIENT, patient)
        return filled.replace(_REFERRAL, referral)


def commands_of_a_life() -> tuple[Command, ...]:
    """CreateReferral and the five changes up to the arrival; no bed, so that no other service is needed."""
    changes = [(method, who, {"name": _REFERRAL.decode(), **fields}) for method, who, fields in _CHANGES]
    return tuple(
        _command(method, who, fields)
        for method, who, fields in [("CreateReferral", "origin", _CREATE), *changes]
    )


def _command(method: str, who: str, fields: dict[str, Any]) -> Command:
    rpc = rpc_methods()[method]
    request = build_message(rpc.request, {"request_id": _REQUEST_ID.decode(), **fields})
    return Command(method=method, path=rpc.path, who=who, template=request.SerializeToString())


def referral_in(reply: bytes) -> bytes:
    """The referral's name in the reply to CreateReferral, without reading the whole of it."""
    start = reply.index(_NAME_PREFIX)
    return reply[start : start + len(_REFERRAL)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is to be sent next."""

    command: Command
    data: bytes


class Life:
    """One referral after the other, each from its creation to the arrival; goes on where it was left."""

    def __init__(self, commands: tuple[Command, ...], random: Random) -> None:
        self.commands = commands
        self._random = random
        self._position = 0
        self._referral = _REFERRAL
        self._patient = _PATIENT

    def next_request(self) -> Request:
        """The next command."""
        command = self.commands[self._position]
        if self._position == 0:
            self._patient = b"bench-%032x" % self._random.getrandbits(128)
        request_id = str(UUID(int=self._random.getrandbits(128), version=4)).encode()
        return Request(command=command, data=command.fill(request_id, self._referral, self._patient))

    def answered(self, reply: bytes) -> None:
        """Goes on after the answer to the last request."""
        if self._position == 0:
            self._referral = referral_in(reply)
        self._position = (self._position + 1) % len(self.commands)


def lives(count: int, seed: str) -> Iterator[Life]:
    """Lives with their own random numbers: the same seed draws the same ids."""
    commands = commands_of_a_life()
    return (Life(commands, Random(f"{seed}/{number}")) for number in range(count))
