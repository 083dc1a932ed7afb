"""Puts a rule's texts and dedup key into words. No value here can name a patient."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from services.notification.domain import texts
from services.notification.domain.directory import Directory
from services.notification.domain.occurrence import Occurrence, moment_at, text_at
from services.notification.domain.subject_state import SubjectState
from services.shared.kernel.text import BilingualText

#: Characters of a case number: enough to tell the cases of a day apart, short enough to say on the telephone.
CASE_NUMBER_LENGTH = 8

_PATIENTS_COLLECTIONS = ("referrals", "consultations", "standing_orders")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """What the texts of one alert may say."""

    occurrence: Occurrence
    subject: SubjectState
    directory: Directory
    #: what the alert is about
    about: str
    #: facility whose people must act
    facility: str
    act_by: datetime | None
    utc_offset_minutes: int

    def render(self, template: BilingualText) -> BilingualText:
        """The template with its placeholders filled, in both languages."""
        return fill(template, self._values())

    def _values(self) -> Mapping[str, BilingualText]:
        fields, subject = self.occurrence.fields, self.subject
        urgency, pathway = subject.urgency, subject.pathway
        return {
            "case": _plain(case_number(self.about)),
            "urgency": texts.URGENCIES[urgency] if urgency else texts.UNKNOWN,
            "pathway": texts.PATHWAYS[pathway] if pathway else texts.UNKNOWN,
            "kind": texts.CONSULTATION_KINDS.get(subject.consultation_kind, texts.UNKNOWN),
            "facility": self._name(self.facility),
            "origin": self._name(subject.origin_facility),
            "destination": self._name(subject.destination_facility),
            "requesting": self._name(subject.requesting_facility),
            "centre": self._name(subject.centre_facility),
            "sender": self._name(text_at(fields, "facility") or text_at(fields, "from_facility")),
            "occurred": self._time(self.occurrence.occurred_at),
            "eta": self._time(moment_at(fields, "estimated_arrival_time") or subject.estimated_arrival_time),
            "act_by": self._time(self.act_by),
            "due": self._time(moment_at(fields, "due_at") or subject.due_at),
            "reason": _code(text_at(fields, "reason.code") or text_at(fields, "bed.reason")),
            "ward": _code(text_at(fields, "hold.ward") or text_at(fields, "bed.ward") or self._ward()),
            "bed": _code(text_at(fields, "hold.bed") or text_at(fields, "bed.bed") or text_at(fields, "bed")),
        }

    def _name(self, facility: str) -> BilingualText:
        return self.directory.name(facility) if facility else texts.UNKNOWN

    def _ward(self) -> str:
        return self.subject.name.partition("/")[2] if self.subject.kind == "ward" else ""

    def _time(self, moment: datetime | None) -> BilingualText:
        """Local time; with the day when it is another than that on which the alert is written."""
        if moment is None:
            return texts.UNKNOWN_TIME
        zone = timezone(timedelta(minutes=self.utc_offset_minutes))
        local, written = moment.astimezone(zone), self.occurrence.recorded_at.astimezone(zone)
        return _plain(local.strftime("%H:%M" if local.date() == written.date() else "%m-%d %H:%M"))


def fill(template: BilingualText, values: Mapping[str, BilingualText]) -> BilingualText:
    """A template with its placeholders filled; an English sentence begins with a capital."""
    en = template.en.format_map({name: value.en for name, value in values.items()})
    return BilingualText(
        zh=template.zh.format_map({name: value.zh for name, value in values.items()}),
        en=en[:1].upper() + en[1:],
    )


def case_number(name: str) -> str:
    """The short form of a referral's or consultation's name, for the telephone; a ward's id as it stands."""
    collection, _, own = name.partition("/")
    if collection in _PATIENTS_COLLECTIONS:
        return own.replace("-", "")[:CASE_NUMBER_LENGTH].upper()
    return own or name


def _plain(value: str) -> BilingualText:
    return BilingualText(zh=value, en=value)


def _code(value: str) -> BilingualText:
    return _plain(value) if value else texts.UNKNOWN
