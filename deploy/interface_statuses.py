"""The part of the pages that says what each state is called in FHIR and HL7 v2, from `fhir_status`."""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from services.referral.domain import consultation_texts, fhir_status
from services.referral.domain.labels import OFFERS, STATES
from services.shared.kernel.text import BilingualText

Language: TypeAlias = Literal["zh", "en"]

_TITLE = BilingualText(zh="在 HL7 FHIR 与 HL7 v2 中", en="In HL7 FHIR and HL7 v2")
_SOURCE = BilingualText(
    zh="取自 `services/referral/domain/fhir_status.py`。FHIR R4：一次转诊为一个 `ServiceRequest`，"
    "每次转诊申请为一个 `Task`；`Task.status` 为当前申请的状态。"
    "RF1-1 见 HL7 v2.5.1 表 0283，取消另用 REF^I14 消息。",
    en="From `services/referral/domain/fhir_status.py`. FHIR R4: a referral is a `ServiceRequest`, "
    "each of its offers a `Task`; `Task.status` is the present offer's. "
    "RF1-1 is of HL7 v2.5.1, table 0283; a cancellation is a message of its own, REF^I14.",
)
_CONSULTATION_SOURCE = BilingualText(
    zh="取自 `services/referral/domain/fhir_status.py`。FHIR R4：一次会诊为一个 `ServiceRequest` "
    "和一个 `Task`，报告为 `DiagnosticReport`。",
    en="From `services/referral/domain/fhir_status.py`. FHIR R4: a consultation is a `ServiceRequest` "
    "and a `Task`; its report is a `DiagnosticReport`.",
)
_OFFERS_NOTE = BilingualText(
    zh="单次转诊申请（offer）的 `Task`；已接收者随转诊继续：",
    en="The `Task` of one offer; an accepted one goes on with its referral:",
)
_STATE = BilingualText(zh="状态", en="state")
_OFFER = BilingualText(zh="转诊申请", en="offer")
_NONE = "–"


def referral(language: Language) -> tuple[str, ...]:
    """Heading, source, the states and the offers of a referral."""
    rows = [
        (
            _in(STATES[state], language),
            standing.request.value,
            standing.task.value,
            state.value,
            _NONE if standing.rf1 is None else standing.rf1.value,
        )
        for state, standing in fhir_status.REFERRAL.items()
    ]
    offers = [
        (f"{_in(OFFERS[state], language)} {state.value}", task.value)
        for state, task in fhir_status.OFFERS.items()
    ]
    headings = (
        _in(_STATE, language),
        "`ServiceRequest.status`",
        "`Task.status`",
        "`Task.businessStatus`",
        "RF1-1",
    )
    return (
        f"## {_in(_TITLE, language)}",
        _in(_SOURCE, language),
        _markdown(headings, rows),
        _in(_OFFERS_NOTE, language),
        _markdown((_in(_OFFER, language), "`Task.status`"), offers),
    )


def consultation(language: Language) -> tuple[str, ...]:
    """Heading, source and the states of a consultation."""
    rows = [
        (
            _in(consultation_texts._STATES[state], language),
            standing.request.value,
            standing.task.value,
            state.value,
        )
        for state, standing in fhir_status.CONSULTATION.items()
    ]
    headings = (_in(_STATE, language), "`ServiceRequest.status`", "`Task.status`", "`Task.businessStatus`")
    return (
        f"## {_in(_TITLE, language)}",
        _in(_CONSULTATION_SOURCE, language),
        _markdown(headings, rows),
    )


def _markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines.extend("| " + " | ".join(cells) + " |" for cells in rows)
    return "\n".join(lines) + "\n"


def _in(label: BilingualText, language: Language) -> str:
    return label.zh if language == "zh" else label.en
