"""A roster file: every fault with its line, times on the site's clock; the one of the manual is sound."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.notification.adapters.national_calendar import NationalCalendar
from services.notification.domain import roster as rosters
from services.notification.domain.roster_commands import ApplyRoster
from services.notification.domain.roster_coverage import gaps
from services.notification.domain.roster_slots import slots_at
from services.operator.casefile.roster_file import RosterFile, read_roster
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.values import build_message
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext
from services.shared.located.faults import FaultyFile
from services.shared.protocodec import MessageCodec
from tierlink.notification.v1 import roster_service_pb2

MANUAL = Path(__file__).resolve().parents[3] / "docs" / "rosters.md"
_CODEC: MessageCodec[ApplyRoster, roster_service_pb2.ApplyRosterRequest] = MessageCodec(
    ApplyRoster, roster_service_pb2.ApplyRosterRequest
)
BROKEN = """\
facility: jimsar-general
utc_offset_minutes: 2000
rotation: []
rotations:
  - post: {role: STROKE, step: duty, sead: 1}
    period: MONTHLY
    people: [{user: a, name: 甲}]
    starts_on: 2026-01-05
    handover: 08:00
shifts:
  - {role: STROKE, step: duty, user: a, name: 甲, starts_at: 2026-13-01 08:00, ends_at: tomorrow}
leaves:
  - {user: a, starts_at: 2026-01-05 08:00, ends_at: 2026-01-06 08:00, substitute: b}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "roster.yaml"
    path.write_text(text, "utf-8")
    return path


def manual(folder: Path) -> RosterFile:
    found = re.search(r"```yaml\n(.*?)```", MANUAL.read_text("utf-8"), re.DOTALL)
    assert found
    return read_roster(written(folder, found[1]))


def command_of(file: RosterFile) -> ApplyRoster:
    request = build_message(rpc_methods()["ApplyRoster"].request, file.fields)
    assert isinstance(request, roster_service_pb2.ApplyRosterRequest)
    return _CODEC.from_message(request)


def test_every_fault_has_its_line(tmp_path: Path) -> None:
    with pytest.raises(FaultyFile) as caught:
        read_roster(written(tmp_path, BROKEN))
    places = [(fault.line, fault.text) for fault in caught.value.faults]
    assert [line for line, _ in places] == [2, 3, 5, 6, 11, 11, 13]
    assert "did you mean rotations?" in places[1][1]
    assert places[2][1] == "Post has no field sead"
    assert "must be one of DAILY, WEEKLY" in places[3][1]
    assert "such as 2026-10-01 08:00" in places[4][1]


def test_times_are_of_the_site_s_clock(tmp_path: Path) -> None:
    text = """\
facility: f
utc_offset_minutes: {offset}
leaves:
  - {{user: a, starts_at: 2026-01-05 08:00, ends_at: 2026-01-06 08:00}}
"""
    for offset, expected in ((480, "2026-01-05T00:00:00Z"), (360, "2026-01-05T02:00:00Z")):
        file = read_roster(written(tmp_path, text.format(offset=offset)))
        assert file.fields["leaves"][0]["starts_at"] == expected


def test_what_the_service_finds_is_named_with_its_line(tmp_path: Path) -> None:
    file = manual(tmp_path)
    lines = file.path.read_text("utf-8").splitlines()
    (fault,) = file.located([("rotations[1].people[1].user", "is unknown")])
    assert "dr-zhou" in lines[fault.line - 1]
    (fault,) = file.located([("rotations[2].until", "is not there")])
    assert "step: backup" in lines[fault.line - 1], "the closest value there is"
    (fault,) = file.located([("shifts[0]", "overlaps")])
    assert "dr-he" in lines[fault.line - 1]


def test_the_manual_s_example_is_sound_and_says_what_it_says(tmp_path: Path) -> None:
    at = datetime(2026, 9, 25, 4, 0, tzinfo=UTC)
    operator = Actor(user="o", name="o", facility="", roles=(Role.OPERATOR,))
    context = CommandContext(request_id="r", actor=operator, occurred_at=at, recorded_at=at)
    command, national = command_of(manual(tmp_path)), NationalCalendar().special_days(2026, 2026)
    (event,) = rosters.decide(None, command, context, national=national)
    state = rosters.planned(event.facility, command, national)

    def on_duty(day: int, hour: int, month: int = 9) -> str:
        moment = datetime(2026, month, day, hour - 8, tzinfo=UTC)
        found = [
            slot.holder.user
            for slot in slots_at(state, moment)
            if slot.holder and (slot.post.role, slot.post.step) == ("STROKE", "duty")
        ]
        return found[0] if found else ""

    assert [on_duty(day, 12) for day in (28, 29, 30)] == ["dr-zhao", "dr-qian", "dr-li"]
    assert [on_duty(day, 12, 10) for day in (1, 2, 3)] == ["dr-sun", "dr-zhou", "dr-sun"]
    assert on_duty(1, 21, 10) == "dr-he"
    assert on_duty(8, 12, 10) == "dr-zhou", "the hospital's own holiday"
    week = datetime(2026, 9, 28, tzinfo=UTC), datetime(2026, 10, 12, tzinfo=UTC)
    assert gaps(state, *week) == ()
