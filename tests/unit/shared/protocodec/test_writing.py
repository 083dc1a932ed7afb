"""What is written where a value says little: as much as protobuf itself would keep, and no less."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from services.shared.kernel.text import BilingualText
from services.shared.protocodec import CodecMismatch, MessageCodec
from tierlink.referral.v1 import referral_pb2
from tierlink.type.v1 import type_pb2


@dataclass(frozen=True, kw_only=True)
class Summary:
    diagnosis_name: str = ""
    nihss: int | None = None
    isolation_needed: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    code: str = ""
    text: BilingualText | None = None


@dataclass(frozen=True, kw_only=True)
class Metadata:
    occurred_at: datetime | None = None
    secret: int = 0


SUMMARY: MessageCodec[Summary, referral_pb2.ClinicalSummary] = MessageCodec(
    Summary, referral_pb2.ClinicalSummary
)
RULE: MessageCodec[Rule, referral_pb2.RuleResult] = MessageCodec(Rule, referral_pb2.RuleResult)
METADATA: MessageCodec[Metadata, type_pb2.EventMetadata] = MessageCodec(
    Metadata, type_pb2.EventMetadata, internal=frozenset({"secret"})
)


def test_a_zero_is_kept_where_the_message_tells_it_from_nothing() -> None:
    message = SUMMARY.to_message(Summary(nihss=0))
    assert message.HasField("nihss")
    assert SUMMARY.from_message(message) == Summary(nihss=0)


def test_none_and_what_is_empty_take_no_room() -> None:
    assert SUMMARY.to_message(Summary()).SerializeToString() == b""
    assert RULE.to_message(Rule()).SerializeToString() == b""


def test_a_message_without_content_is_there_nevertheless() -> None:
    message = RULE.to_message(Rule(text=BilingualText(zh="", en="")))
    assert message.HasField("text")
    assert RULE.from_message(message) == Rule(text=BilingualText(zh="", en=""))


def test_the_first_moment_of_the_epoch_is_a_moment() -> None:
    epoch = Metadata(occurred_at=datetime(1970, 1, 1, tzinfo=UTC))
    message = type_pb2.EventMetadata.FromString(METADATA.to_message(epoch).SerializeToString())
    assert message.HasField("occurred_at")
    assert METADATA.from_message(message) == epoch


def test_what_is_internal_is_neither_written_nor_read() -> None:
    message = METADATA.to_message(Metadata(secret=7))
    assert message.SerializeToString() == b""
    assert METADATA.from_message(message).secret == 0


def test_a_message_that_is_part_of_another_is_written_in_place() -> None:
    whole = referral_pb2.RuleResult()
    MessageCodec(BilingualText, type_pb2.BilingualText).write(BilingualText(zh="中", en="e"), whole.text)
    assert whole.text.zh == "中"


def test_repeated_on_one_side_only_is_found_when_the_codec_is_built() -> None:
    @dataclass(frozen=True)
    class Other:
        code: tuple[str, ...]

    with pytest.raises(CodecMismatch, match="repeated on one side only"):
        MessageCodec(Other, referral_pb2.RuleResult)
