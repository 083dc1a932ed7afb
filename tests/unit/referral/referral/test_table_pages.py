"""The table as people read it: a diagram, pages, and a name for everything."""

from services.referral.domain.events import EVENTS
from services.referral.domain.labels import COMMANDS as COMMAND_LABELS
from services.referral.domain.labels import EVENTS as EVENT_LABELS
from services.referral.domain.labels import STATES
from services.referral.domain.referral import COMMANDS
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.state_documentation import markdown_matrix, markdown_table, mermaid
from services.referral.domain.texts import CODES, text
from services.referral.domain.transitions import TABLE


def test_the_diagram_has_every_state_and_arrow() -> None:
    for language, label in (("zh", "已接收"), ("en", "accepted")):
        page = mermaid("zh" if language == "zh" else "en")
        assert page.startswith("stateDiagram-v2\n")
        assert label in page
        assert all(f"as {state}\n" in page for state in ReferralState)
        assert "ANY_LIVE --> DECEASED" in page
        assert "CANCEL_REQUESTED --> ARRIVED" in page
        assert "REQUESTED --> INFO_REQUESTED: " in page
    assert mermaid("zh") == mermaid("zh")


def test_the_table_as_a_page() -> None:
    page = markdown_table("en")
    assert page.count("\n") == len(TABLE) + 2
    assert (
        "| ACCEPTED, TRANSPORT_ARRANGED | CancelReferral | origin (clinician, referral office) |"
        " coded reason | CancellationRequested | CANCEL_REQUESTED |"
    ) in page
    assert "REQUESTED (otherwise)" in page
    assert "| – | CreateReferral | origin (clinician) | norms pass (or a coded override) |" in page
    assert "of a DOWN referral" in page
    assert "结案 CloseReferral" in markdown_table("zh")


def test_the_matrix_as_a_page() -> None:
    page = markdown_matrix("en")
    row = next(line for line in page.splitlines() if line.startswith("| DivertPatient |"))
    assert row.count("●") == 1
    assert "MeetDeadline" not in page
    assert "取消转诊 CancelReferral" in markdown_matrix("zh")


def test_everything_has_a_name_in_both_languages() -> None:
    assert STATES.keys() == set(ReferralState)
    assert COMMAND_LABELS.keys() == {command.__name__ for command in COMMANDS}
    assert {event.__name__ for event in EVENTS} <= EVENT_LABELS.keys()
    for row in TABLE:
        for guard in row.guards:
            assert guard.code in CODES
            assert text(guard.code).zh
            assert guard.must.zh
            assert guard.must.en
