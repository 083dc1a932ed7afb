"""Each refusal, through a real server, as a client reads it."""

import base64
from typing import Any
from urllib.parse import quote

import grpc
import pytest
import structlog

from services.shared.kernel import refusals
from services.shared.kernel.refusals import (
    DependencyDown,
    DiskFull,
    FailedRule,
    FieldViolation,
    InvalidInput,
    KafkaAway,
    NotAllowed,
    NotFound,
    NotPermitted,
    OutOfTime,
    Overloaded,
    Refused,
    RequestIdReused,
    StaleVersion,
    Unauthenticated,
)
from services.shared.kernel.text import BilingualText
from services.shared.rpc.error_table import failure_of
from tests.unit.shared.rpc.rpc_probe import ProbeKit, details_of, refused, status_of

TEXT = BilingualText(zh="床位未预留", en="no bed is held")
RULES = (
    FailedRule(code="BED_NOT_HELD", text=TEXT),
    FailedRule(code="CREW_LEVEL", text=BilingualText(zh="救护等级不足", en="crew level too low")),
)


async def refuse_with(
    kit: ProbeKit, error: BaseException
) -> tuple[grpc.aio.AioRpcError, dict[str, list[Any]]]:
    async def handler(_request: Any, _call: Any) -> Any:
        raise error

    served = await kit.serve([kit.unary(handler)])
    got = await refused(served.probe(kit.request(), metadata=kit.metadata()))
    return got, details_of(got)


async def test_invalid_input_names_every_field(kit: ProbeKit) -> None:
    error, details = await refuse_with(
        kit,
        InvalidInput(
            FieldViolation(field="offer.eta", reason="IN_THE_PAST", description="lies in the past"),
            FieldViolation(field="items[2].code", reason="UNKNOWN", description="no such code"),
        ),
    )
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    (bad_request,) = details["BadRequest"]
    assert [(v.field, v.reason, v.description) for v in bad_request.field_violations] == [
        ("offer.eta", "IN_THE_PAST", "lies in the past"),
        ("items[2].code", "UNKNOWN", "no such code"),
    ]


async def test_unauthenticated(kit: ProbeKit) -> None:
    error, details = await refuse_with(kit, Unauthenticated("EXPIRED", "the token has expired"))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert error.details() == "the token has expired"
    (info,) = details["ErrorInfo"]
    assert (info.reason, info.domain) == ("EXPIRED", "tierlink")


async def test_not_permitted_keeps_both_languages(kit: ProbeKit) -> None:
    error, details = await refuse_with(kit, NotPermitted("OTHER_FACILITY", TEXT))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    (info,) = details["ErrorInfo"]
    assert (info.reason, info.domain) == ("OTHER_FACILITY", "tierlink")
    assert {m.locale: m.message for m in details["LocalizedMessage"]} == {"zh-CN": TEXT.zh, "en-US": TEXT.en}


async def test_not_found(kit: ProbeKit) -> None:
    error, details = await refuse_with(kit, NotFound("Referral", "referrals/1"))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    (info,) = details["ResourceInfo"]
    assert (info.resource_type, info.resource_name) == ("Referral", "referrals/1")


async def test_request_id_reused(kit: ProbeKit) -> None:
    error, details = await refuse_with(kit, RequestIdReused("r-1"))
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS
    (info,) = details["ErrorInfo"]
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "REQUEST_ID_REUSED",
        "tierlink",
        {"request_id": "r-1"},
    )


async def test_not_allowed_tells_state_commands_and_rules(kit: ProbeKit) -> None:
    error, details = await refuse_with(
        kit,
        NotAllowed(
            state="ACCEPTED",
            allowed_commands=("ArrangeTransport", "CancelReferral"),
            failed_rules=RULES,
            resource_name="referrals/1",
        ),
    )
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    (failure,) = details["PreconditionFailure"]
    assert [(v.type, v.subject, v.description) for v in failure.violations] == [
        ("BED_NOT_HELD", "referrals/1", "床位未预留 / no bed is held"),
        ("CREW_LEVEL", "referrals/1", "救护等级不足 / crew level too low"),
    ]
    (info,) = details["ErrorInfo"]
    assert dict(info.metadata) == {
        "state": "ACCEPTED",
        "allowed_commands": "ArrangeTransport,CancelReferral",
    }
    assert {m.locale: m.message for m in details["LocalizedMessage"]} == {
        "zh-CN": "床位未预留；救护等级不足",
        "en-US": "no bed is held; crew level too low",
    }


async def test_not_allowed_without_rules_says_the_state(kit: ProbeKit) -> None:
    refusal = NotAllowed(state="CLOSED", allowed_commands=("MarkEnteredInError",), failed_rules=())
    error, details = await refuse_with(kit, refusal)
    assert error.details() == "not allowed in state CLOSED"
    assert all("CLOSED" in m.message for m in details["LocalizedMessage"])


async def test_stale_version(kit: ProbeKit) -> None:
    error, details = await refuse_with(kit, StaleVersion(resource_name="referrals/1", expected=3, current=5))
    assert error.code() is grpc.StatusCode.ABORTED
    (info,) = details["ErrorInfo"]
    assert info.domain == "tierlink"
    assert info.metadata["current_version"] == "5"
    assert info.metadata["expected_version"] == "3"


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Overloaded("full", retry_after_s=1.5), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (DependencyDown("database", "does not answer", retry_after_s=1.5), grpc.StatusCode.UNAVAILABLE),
        (OutOfTime("NOT_BEGUN", "too late", retry_after_s=1.5), grpc.StatusCode.DEADLINE_EXCEEDED),
    ],
)
async def test_retryable(kit: ProbeKit, refusal: Refused, code: grpc.StatusCode) -> None:
    error, details = await refuse_with(kit, refusal)
    assert error.code() is code
    (info,) = details["RetryInfo"]
    assert info.retry_delay.ToMilliseconds() == 1500


async def test_unexpected_exception_hides_its_text_and_logs_it(kit: ProbeKit) -> None:
    with structlog.testing.capture_logs() as lines:
        error, details = await refuse_with(kit, RuntimeError("password=hunter2 in row 7"))
    assert error.code() is grpc.StatusCode.INTERNAL
    status = status_of(error)
    assert "hunter2" not in str(status) + str(error.details()) + repr(error.trailing_metadata())
    (info,) = details["ErrorInfo"]
    error_id = info.metadata["error_id"]
    assert error_id in str(error.details())
    (line,) = [line for line in lines if line.get("error_id") == error_id]
    assert line["log_level"] == "error"
    assert "hunter2" in str(line["exc_info"])


def test_every_refusal_of_the_kernel_is_in_the_table() -> None:
    examples = {
        InvalidInput: InvalidInput(),
        Unauthenticated: Unauthenticated("A", "b"),
        NotPermitted: NotPermitted("A", TEXT),
        NotFound: NotFound("A", "b"),
        RequestIdReused: RequestIdReused("a"),
        NotAllowed: NotAllowed(state="A", allowed_commands=(), failed_rules=()),
        StaleVersion: StaleVersion(resource_name="a", expected=1, current=2),
        Overloaded: Overloaded("a"),
        DependencyDown: DependencyDown("a", "b"),
        OutOfTime: OutOfTime("A", "b"),
        DiskFull: DiskFull(),
        KafkaAway: KafkaAway("a"),
    }
    kernel = {
        kind
        for kind in vars(refusals).values()
        if isinstance(kind, type) and issubclass(kind, Refused) and kind is not Refused
    }
    assert kernel == set(examples)
    for refusal in examples.values():
        assert failure_of(refusal).details


def test_a_subclass_is_answered_like_its_class() -> None:
    class Lagging(Overloaded):
        pass

    assert failure_of(Lagging("slow")).code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_refusal_that_the_table_lacks_is_internal(kit: ProbeKit) -> None:
    class Novel(Refused):
        pass

    with structlog.testing.capture_logs() as lines:
        error, _ = await refuse_with(kit, Novel("never seen"))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert any("Novel" in str(line.get("exc_info")) for line in lines)


LONG = "长" * 5000
WORST = [
    InvalidInput(*(FieldViolation(field=LONG, reason=LONG, description=LONG) for _ in range(500))),
    InvalidInput(*(FieldViolation(field=f"a[{n}]", reason="B", description="c") for n in range(5000))),
    Unauthenticated(LONG, LONG),
    NotPermitted(LONG, BilingualText(zh=LONG, en=LONG)),
    NotFound(LONG, LONG),
    RequestIdReused(LONG),
    NotAllowed(
        state=LONG,
        allowed_commands=tuple(f"Command{n}" for n in range(1000)),
        failed_rules=tuple(FailedRule(code=LONG, text=BilingualText(zh=LONG, en=LONG)) for _ in range(100)),
        resource_name=LONG,
    ),
    StaleVersion(resource_name=LONG, expected=2**63, current=2**63),
    Overloaded(LONG, retry_after_s=1e300),
    DependencyDown(LONG, LONG, retry_after_s=-5),
]


@pytest.mark.parametrize("refusal", WORST, ids=lambda refusal: type(refusal).__name__)
def test_the_worst_case_fits_into_trailing_metadata(refusal: Refused) -> None:
    failure = failure_of(refusal)
    ((_, packed),) = failure.trailing_metadata()
    wire_bytes = len(base64.b64encode(packed)) + len(quote(failure.message, safe=" ")) + 200
    assert wire_bytes < 8000


@pytest.mark.parametrize("refusal", [WORST[1], WORST[6]], ids=["fields", "rules"])
async def test_the_worst_case_arrives_and_says_what_was_cut(kit: ProbeKit, refusal: Refused) -> None:
    error, details = await refuse_with(kit, refusal)
    if isinstance(refusal, InvalidInput):
        violations = details["BadRequest"][0].field_violations
        assert violations[0].field == "a[0]"
        assert violations[-1].reason == "CUT"
        assert violations[-1].description.startswith(f"{5000 - len(violations) + 1} more")
    else:
        violations = details["PreconditionFailure"][0].violations
        assert violations[-1].type == "CUT"
        assert details["ErrorInfo"][0].metadata["allowed_commands"].startswith("Command0,Command1,")
        kept, more = details["ErrorInfo"][0].metadata["allowed_commands"].rsplit(",+", 1)
        assert len(kept.split(",")) + int(more) == 1000
    assert len(str(error.details()).encode()) <= 303


def test_texts_are_cut_between_characters() -> None:
    failure = failure_of(NotFound("Referral", "中" * 400))
    ((_, packed),) = failure.trailing_metadata()
    assert packed.decode(errors="ignore").count("…") >= 1
    assert "\ufffd" not in failure.message


def test_control_characters_do_not_reach_a_header() -> None:
    failure = failure_of(NotFound("Referral", "a\r\nb\x00c"))
    assert failure.message.isprintable()
