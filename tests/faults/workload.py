"""What many hospitals do at once: stroke patients referred up, answered, moved, lost in a race, called off.

Every choice is legal for whoever makes it, or refused by the rules; both are outcomes that the checks know.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from services.operator.rpc.people import TokenBook
from services.operator.rpc.values import rfc3339
from services.shared.kernel.actor import Actor, Role
from tests.faults.client import Client, Lines
from tests.faults.history import History
from tierlink.bed.v1 import bed_pb2
from tierlink.referral.v1 import referral_pb2

BRANCH, HOSPITAL = "wucaiwan", "jimsar-general"
ORIGIN = Actor(user="wcw-physician", name="分院医师", facility=BRANCH, roles=(Role.CLINICIAN,))
DOCTOR = Actor(user="jg-stroke", name="卒中值班", facility=HOSPITAL, roles=(Role.CLINICIAN,))
SECOND_DOCTOR = Actor(user="jg-stroke-backup", name="二线", facility=HOSPITAL, roles=(Role.CLINICIAN,))
BED_DESK = Actor(user="jg-bed-desk", name="床位管理", facility=HOSPITAL, roles=(Role.BED_DESK,))
WATCHER = Actor(user="faults-watcher", name="faults", facility="", roles=(Role.OPERATOR, Role.COORDINATOR))

_SUMMARY = {
    "diagnosis_code": "I63.9",
    "diagnosis_name": "急性脑梗死",
    "referral_reason": "溶栓后转卒中单元",
    "symptoms": "右侧肢体无力",
    "treatment_given": "替奈普酶",
    "allergies": "无",
    "nihss": 4,
    "systolic_mmhg": 152,
    "diastolic_mmhg": 84,
    "heart_rate_per_minute": 78,
    "sex": "M",
    "age_years": 58,
}
_HANDOVER = {"summary": "每 15 分钟评估", "medications_given": ["替奈普酶"], "pending_results": ["凝血"]}
_TRANSPORT = {"crew_level": "ADVANCED", "vehicle": "120", "escort": "医师"}
_HELD_WITHIN_S = 6.0
_CLEANING = bed_pb2.BED_STATE_CLEANING


class Hospitals:
    """All clients of a run."""

    def __init__(self, seed: int, lines: Lines, tokens: TokenBook, history: History, *, clients: int) -> None:
        self._clients = [Client(f"{seed}/{number}", lines, tokens, history) for number in range(clients)]

    async def run(self, until_s: float) -> None:
        """Cases, one after the other at each client, until the moment (monotonic) has come."""
        works = (_cases, _holds)
        # Every fourth client asks for beds on its own, so that two ways to a bed meet.
        await asyncio.gather(
            *(works[number % 4 == 3](client, until_s) for number, client in enumerate(self._clients))
        )


async def _cases(client: Client, until_s: float) -> None:
    while time.monotonic() < until_s:
        await _case(client)


async def _case(client: Client) -> None:
    draw = client.random
    patient = f"f-{draw.getrandbits(64):016x}"
    reply = await client.command(
        "CreateReferral",
        ORIGIN,
        patient=patient,
        destinations=[HOSPITAL],
        urgency="EMERGENCY",
        pathway="STROKE",
        bed_type="STROKE_UNIT",
        clinical_summary=_SUMMARY,
        consent={"recorded": True, "given_by": "FAMILY"},
    )
    if reply is None:
        return
    name = reply.referral.name
    if draw.random() < 0.6:
        await client.command("AcknowledgeOffer", DOCTOR, name=name)
    if not await _answered(client, name):
        return
    if draw.random() < 0.15:
        await _call_off(client, name, "FAMILY_REFUSED")
        return
    await _bed_once(client, name, "BED_REGION_HELD")
    await client.command("ArrangeTransport", ORIGIN, name=name, transport=_TRANSPORT)
    await client.command("DepartPatient", ORIGIN, name=name, handover_document=_HANDOVER)
    if draw.random() < 0.1:
        died_at = rfc3339(datetime.now(UTC))
        await client.command("RecordDeath", ORIGIN, name=name, died_at=died_at, certifier="值班医师")
        return
    arrived = await client.command("ReportArrival", DOCTOR, name=name, patient=patient)
    if arrived is not None:
        await _leave(client, name)


async def _answered(client: Client, name: str) -> bool:
    """Whether the hospital takes the patient: sometimes two answer at once, or the origin calls it off."""
    accept = {
        "name": name,
        "accepting_clinician": {"user": DOCTOR.user, "name": "值班医师", "department": "卒中中心"},
        "estimated_arrival_time": rfc3339(datetime.now(UTC) + timedelta(minutes=30)),
    }
    decline = {"name": name, "reason": {"code": "NO_CAPACITY"}}
    choice = client.random.random()
    if choice < 0.15:
        await client.command("DeclineReferral", DOCTOR, **decline)
        await _call_off(client, name, "NO_LONGER_NEEDED")
        return False
    if choice < 0.3:
        found = await asyncio.gather(
            client.command("AcceptReferral", DOCTOR, **accept),
            client.command("AcceptReferral", SECOND_DOCTOR, **accept),
        )
        return any(found)
    if choice < 0.45:
        found = await asyncio.gather(
            client.command("AcceptReferral", DOCTOR, **accept),
            _call_off(client, name, "FAMILY_REFUSED"),
        )
        return found[0] is not None and not found[1]
    return await client.command("AcceptReferral", DOCTOR, **accept) is not None


async def _call_off(client: Client, name: str, reason: str) -> bool:
    """Whether it was called off. A hospital that has accepted confirms it, and keeps a bed until it does."""
    reply = await client.command("CancelReferral", ORIGIN, name=name, reason={"code": reason})
    if reply is None:
        return False
    if reply.referral.state == referral_pb2.REFERRAL_STATE_CANCEL_REQUESTED:
        await client.command("ConfirmCancellation", DOCTOR, name=name)
    return True


async def _leave(client: Client, name: str) -> None:
    """The patient is treated and goes, so that the bed is free for the next one."""
    bed = await _bed_once(client, name, "BED_REGION_OCCUPIED")
    if bed is not None and await client.command("VacateBed", BED_DESK, **bed) is not None:
        await client.command("MarkBedReady", BED_DESK, **bed)


async def _bed_once(client: Client, name: str, region: str) -> dict[str, str] | None:
    """Ward and bed, once the referral knows of a bed in that state; None when it does not in time."""
    until_s = time.monotonic() + _HELD_WITHIN_S
    while time.monotonic() < until_s:
        found = await client.ask("GetReferral", WATCHER, name=name)
        if found is not None and referral_pb2.BedRegion.Name(found.referral.bed_region) == region:
            return {"ward": found.referral.bed.ward, "bed": found.referral.bed.bed}
        await asyncio.sleep(0.2)
    return None


async def _holds(client: Client, until_s: float) -> None:
    """A bed desk that holds beds by telephone, as it were, and gives them back or lets them lapse."""
    while time.monotonic() < until_s:
        lasts_s = client.random.choice((0.5, 2.0, 60.0))
        reply = await client.command(
            "HoldBed",
            BED_DESK,
            facility=HOSPITAL,
            referral=f"referrals/{client.new_id()}",
            patient=f"f-{client.random.getrandbits(64):016x}",
            bed_type="STROKE_UNIT",
            expires_at=rfc3339(datetime.now(UTC) + timedelta(seconds=lasts_s)),
        )
        if reply is not None and client.random.random() < 0.8:
            await asyncio.sleep(client.random.uniform(0.0, 0.5))
            await client.command("ReleaseHold", BED_DESK, **_hold_fields(reply.hold))
        else:
            await asyncio.sleep(client.random.uniform(0.05, 0.4))
        if reply is None:
            await _make_room(client)


async def _make_room(client: Client) -> None:
    """A patient leaves whose own doctor does not say so: a fault came between, and the case was given up.

    Otherwise all beds are taken within ten seconds, and what follows is refused for that reason alone.
    """
    found = await client.ask("ListBeds", BED_DESK, facility=HOSPITAL, bed_type="STROKE_UNIT")
    beds = [(ward.id, bed) for ward in found.wards for bed in ward.beds] if found is not None else []
    left = [(ward, bed) for ward, bed in beds if bed.state in (bed_pb2.BED_STATE_OCCUPIED, _CLEANING)]
    if not left:
        return
    ward, bed = client.random.choice(left)
    named = {"ward": ward, "bed": bed.id}
    if bed.state == _CLEANING or await client.command("VacateBed", BED_DESK, **named) is not None:
        await client.command("MarkBedReady", BED_DESK, **named)


def _hold_fields(hold: Any) -> dict[str, Any]:
    return {
        "hold": hold.name,
        "fencing_token": hold.fencing_token,
        "reason": {"code": "NOT_NEEDED"},
    }
