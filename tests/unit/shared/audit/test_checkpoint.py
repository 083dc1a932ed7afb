"""What is signed, what shows that it was forged, and what a store that lost something is accused of."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.audit.checkpoint import (
    Checkpoint,
    CheckpointFindingCode,
    Head,
    Link,
    Statement,
    contradictions,
    forgeries,
    in_order,
    root_of,
)
from services.shared.audit.checkpoint_messages import checkpoint_message, checkpoint_of
from services.shared.audit.checkpoint_methods import signing_with
from services.shared.rpc.signing import generate_signing_key
from tests.doubles.parcel import NOW

HEADS = tuple(
    Head(aggregate_id=f"包裹/{number}", version=number + 1, head_hash=bytes([number]) * 32)
    for number in range(5)
)
STATEMENT = Statement(
    service="bed",
    number=7,
    made_by="运维",
    occurred_at=NOW,
    made_at=NOW + timedelta(microseconds=1),
    tree_size=len(HEADS),
    root=root_of(in_order(HEADS)),
    previous_root=bytes(32),
)


def signed(statement: Statement = STATEMENT) -> Checkpoint:
    return signing_with(generate_signing_key())(statement)


def accused(checkpoint: Checkpoint, heads: tuple[Head, ...] = HEADS, key: bytes | None = None) -> list[str]:
    found = list(forgeries(checkpoint, heads, key or checkpoint.public_key))
    assert {each.code for each in found} <= {CheckpointFindingCode.FORGED_CHECKPOINT}
    return [each.description for each in found]


def test_a_genuine_checkpoint_is_not_accused_in_whatever_order_its_heads_come() -> None:
    assert accused(signed()) == []
    assert accused(signed(), tuple(reversed(HEADS))) == []


@pytest.mark.parametrize(
    "change",
    [
        {"service": "referral"},
        {"number": 8},
        {"made_by": "other"},
        {"occurred_at": NOW - timedelta(days=1)},
        {"made_at": NOW},
        {"previous_root": b""},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_altered_word_of_a_statement_is_a_forgery(change: dict[str, object]) -> None:
    forged = replace(signed(), statement=replace(STATEMENT, **change))  # type: ignore[arg-type]
    assert accused(forged) == [
        f"{forged.statement.service} {forged.statement.number}: the signature is not of this statement"
    ]


def test_another_signer_is_a_forger() -> None:
    assert accused(signed(), key=signed().public_key) == ["bed 7: it was signed with another key"]


def test_heads_that_were_not_signed_are_a_forgery() -> None:
    other = (*HEADS[:-1], replace(HEADS[-1], version=99))
    for heads in (other, HEADS[:-1], (*HEADS, replace(HEADS[0], aggregate_id="new"))):
        assert accused(signed(), heads) == ["bed 7: the heads are not those that were signed"]


def test_a_signature_or_key_of_another_size_is_no_signature() -> None:
    assert not replace(signed(), signature=b"x").is_signed_by(signed().public_key)
    assert not signed().is_signed_by(b"short")


def test_a_checkpoint_is_the_same_after_the_wire() -> None:
    made = signed()
    assert checkpoint_of(checkpoint_message(made)) == made


HEAD = Head(aggregate_id="p/1", version=3, head_hash=b"h" * 32)


@pytest.mark.parametrize(
    ("link", "code"),
    [
        (None, CheckpointFindingCode.AGGREGATE_MISSING),
        (
            Link(aggregate_id="p/1", head_version=0, hash=HEAD.head_hash),
            CheckpointFindingCode.AGGREGATE_MISSING,
        ),
        (Link(aggregate_id="p/1", head_version=2, hash=b""), CheckpointFindingCode.ROLLED_BACK),
        (Link(aggregate_id="p/1", head_version=3, hash=b""), CheckpointFindingCode.CHAIN_CUT),
        (Link(aggregate_id="p/1", head_version=5, hash=b"x" * 32), CheckpointFindingCode.HISTORY_REWRITTEN),
    ],
)
def test_what_was_lost_is_named(link: Link | None, code: CheckpointFindingCode) -> None:
    found = list(contradictions([HEAD], [] if link is None else [link]))
    assert [(each.aggregate_id, each.version, each.code) for each in found] == [("p/1", 3, code)]


@settings(max_examples=60, deadline=None)
@given(versions=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=30))
def test_a_store_that_went_on_is_never_accused(versions: list[tuple[int, int]]) -> None:
    heads = [
        Head(aggregate_id=f"p/{place}", version=version, head_hash=bytes([place]) * 32)
        for place, (version, _) in enumerate(versions)
    ]
    links = [
        Link(aggregate_id=f"p/{place}", head_version=version + more, hash=bytes([place]) * 32)
        for place, (version, more) in enumerate(versions)
    ]
    assert list(contradictions(heads, links)) == []
