"""What is wrong with contact points: every fault at once, none of which quotes an address."""

import re

from services.notification.domain import texts
from services.notification.domain.clock_times import DAY_MINUTES, clock_minutes
from services.notification.domain.contact_values import MACHINES, ContactKind, ContactPoint, QuietHours
from services.shared.kernel.refusals import FieldViolation
from services.shared.kernel.text import BilingualText

#: E.164, with the plus or, at home, without it.
_TELEPHONE = re.compile(r"\+?[0-9]{5,15}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")

_SHAPES = {
    ContactKind.MAIL: _MAIL,
    ContactKind.SMS: _TELEPHONE,
    ContactKind.VOICE: _TELEPHONE,
    ContactKind.WEBHOOK: _URL,
    ContactKind.SIGNED_WEBHOOK: _URL,
}


def point_violations(points: tuple[ContactPoint, ...], *, may_name_machines: bool) -> list[FieldViolation]:
    """`may_name_machines`: whether the caller may have the service call a machine by its address."""
    violations: list[FieldViolation] = []
    seen: set[tuple[ContactKind, str]] = set()
    for index, point in enumerate(points):
        path = f"points[{index}]"
        shape = _SHAPES.get(point.kind)
        if not point.address.strip() or (shape and not shape.fullmatch(point.address)):
            violations.append(_violation(f"{path}.address", "NOT_AN_ADDRESS", texts.NOT_AN_ADDRESS))
        if point.kind in MACHINES and not may_name_machines:
            violations.append(_violation(f"{path}.kind", "NOT_THEIRS_TO_SET", texts.MACHINES_BY_KEEPERS))
        if (point.kind, point.address) in seen:
            violations.append(_violation(path, "DUPLICATE", texts.POINT_TWICE))
        seen.add((point.kind, point.address))
        violations += _quiet_violations(f"{path}.quiet_hours", point.quiet_hours)
    return violations


def _quiet_violations(path: str, quiet: QuietHours | None) -> list[FieldViolation]:
    if quiet is None:
        return []
    found = [
        _violation(f"{path}.{name}", "NOT_A_TIME", texts.NOT_A_CLOCK_TIME)
        for name, value in (("starts", quiet.starts), ("ends", quiet.ends))
        if clock_minutes(value) is None
    ]
    if abs(quiet.utc_offset_minutes) >= DAY_MINUTES:
        found.append(_violation(f"{path}.utc_offset_minutes", "NOT_AN_OFFSET", texts.NOT_AN_OFFSET))
    return found


def _violation(field: str, reason: str, text: BilingualText) -> FieldViolation:
    return FieldViolation(field=field, reason=reason, description=f"{text.zh} · {text.en}")
