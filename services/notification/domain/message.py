"""What a message outside the board may say: case number, pathway, facility, countdown and the link.

Not the alert's own title and body: a site may write a reason's code into those, and a code is what a caller
sent. What is said here comes from the catalogue, from the directory, and from numbers.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from services.notification.domain import texts
from services.notification.domain.alert_state import Alert
from services.notification.domain.delivery import silent_channel
from services.notification.domain.directory import Directory
from services.notification.domain.wording import case_number
from services.shared.kernel.text import BilingualText

CHINESE, ENGLISH = "zh", "en"

#: Characters of one value: what a vendor's template takes for a variable.
VALUE_LENGTH_MAX = 20

#: Each would begin markup, a mention or a link in some messenger; its full-width form is only read.
_MARKUP = str.maketrans({mark: chr(ord(mark) + 0xFEE0) for mark in "*_~`#[]()<>|@&\\$!{}"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message in the language of its recipient, free of markup and control characters."""

    #: zh or en
    language: str
    #: what is to be done
    headline: str
    #: case and facility
    about: str
    #: empty where nothing is due
    countdown: str
    #: empty where the site has no links
    link: str
    #: of the link; what a vendor's template is given, which has the rest of the address itself
    code: str
    #: what a template of a vendor may be filled with
    values: dict[str, str]

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(line for line in (self.headline, self.about, self.countdown, self.link) if line)

    @property
    def text(self) -> str:
        """The whole message, a line for each thing that it says."""
        return "\n".join(self.lines)


def compose(
    alert: Alert, directory: Directory, *, language: str, now: datetime, link: str = "", code: str = ""
) -> Message:
    """The message about an alert as it is `now`. Any language but English is told in Chinese."""
    said = ENGLISH if language == ENGLISH else CHINESE

    def word(text: BilingualText) -> str:
        return text.en if said == ENGLISH else text.zh

    urgency = word(texts.URGENCIES[alert.urgency]) if alert.urgency else ""
    pathway = word(texts.PATHWAYS[alert.pathway]) if alert.pathway else ""
    case = plain(silent_channel(alert) or case_number(alert.subject))
    facility = plain(word(directory.name(alert.facility)))
    minutes = _minutes_left(alert.act_by, now)
    headline = word(texts.TO_DO.get(alert.action or alert.rule, texts.TO_DO_ANY))
    kind = " ".join(part for part in (urgency, pathway) if part)
    return Message(
        language=said,
        headline=_capital(f"{kind}{word(texts.COLON)}{headline}" if kind else headline),
        about=word(texts.ABOUT_CHANNEL if silent_channel(alert) else texts.ABOUT).format(
            case=case, facility=facility
        ),
        countdown="" if minutes is None else word(_countdown(minutes)).format(minutes=abs(minutes)),
        link=link,
        code=code,
        values={
            "case": case,
            "urgency": urgency,
            "pathway": pathway,
            "facility": facility,
            "minutes": "" if minutes is None else str(max(minutes, 0)),
            "code": code,
        },
    )


def plain(value: str, length_max: int = VALUE_LENGTH_MAX) -> str:
    """A value as nothing but text: no control or invisible character, no markup of any messenger, bounded."""
    # Tab and line end are control characters too, but they part words.
    spaced = " ".join(value.split())
    kept = "".join(mark for mark in spaced if unicodedata.category(mark)[0] != "C")
    return " ".join(kept.translate(_MARKUP).split())[:length_max].rstrip()


def _minutes_left(act_by: datetime | None, now: datetime) -> int | None:
    """Whole minutes; negative once it is overdue."""
    if act_by is None:
        return None
    seconds = (act_by - now).total_seconds()
    return int(seconds // 60) if seconds >= 0 else -max(1, int(-seconds // 60))


def _countdown(minutes: int) -> BilingualText:
    return texts.OVERDUE_BY if minutes < 0 else texts.DUE_WITHIN


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
