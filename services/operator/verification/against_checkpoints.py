"""Is what was signed still there? Judged here, against files that nobody at the services can reach."""

from collections.abc import Iterator, Mapping, Sequence

from services.operator.rpc.checkpoints import Checkpoints
from services.operator.verification.checkpoint_file import SignedHeads
from services.operator.verification.findings import Finding, Verification
from services.shared.audit.back_dating import BACK_DATING_TOLERANCE
from services.shared.audit.checkpoint import (
    CheckpointFinding,
    CheckpointFindingCode,
    Link,
    back_dated,
    contradictions,
    forgeries,
)


async def verify_against(
    desks: Mapping[str, Checkpoints],
    kept: Sequence[SignedHeads],
    trusted_key: bytes | None = None,
    *,
    only: str = "",
) -> tuple[Verification, ...]:
    """The verdict on each kept checkpoint: whether it is genuine, and whether its service still agrees.

    Without `trusted_key` each checkpoint's own key counts, which shows alterations and not another signer.
    `only` looks at one aggregate. Of several checkpoints of a service each is also held against the one
    before it. Raises CallFailed.
    """
    found: list[Verification] = []
    ordered = sorted(kept, key=lambda each: each.checkpoint.statement.number)
    for place, each in enumerate(ordered):
        statement = each.checkpoint.statement
        desk = desks.get(statement.service)
        heads = [head for head in each.heads if not only or head.aggregate_id == only]
        findings = list(forgeries(each.checkpoint, each.heads, trusted_key or each.checkpoint.public_key))
        if desk is None:
            findings.append(_forged(f"there is no service {statement.service}"))
        else:
            findings += contradictions(heads, await desk.links(heads))
            recorded = await desk.recorded_before(statement.made_at - BACK_DATING_TOLERANCE, only)
            findings += back_dated(statement, heads, recorded)
        before = [old for old in ordered[:place] if old.checkpoint.statement.service == statement.service]
        if before:
            findings += inconsistencies(before[-1], each)
        name = f"checkpoint {statement.service} {statement.number}"
        found.append(
            Verification(
                verified_by=name,
                aggregates_count=len(heads),
                events_count=sum(head.version for head in heads),
                findings=tuple(_finding(name, finding) for finding in findings),
            )
        )
    return tuple(found)


def inconsistencies(older: SignedHeads, newer: SignedHeads) -> Iterator[CheckpointFinding]:
    """What two checkpoints of a service say themselves, without asking it: no chain goes back.

    That a chain which went on went on from the older head is what the store's links show.
    """
    went_on = {head.aggregate_id: head for head in newer.heads}
    older_heads = {head.aggregate_id: head for head in older.heads}
    links = [
        Link(
            aggregate_id=name,
            head_version=head.version,
            # Of the versions between, the newer checkpoint says nothing.
            hash=head.head_hash if head.version == older_heads[name].version else older_heads[name].head_hash,
        )
        for name, head in went_on.items()
        if name in older_heads
    ]
    yield from contradictions(older.heads, links)
    first, second = older.checkpoint.statement, newer.checkpoint.statement
    if second.number == first.number + 1 and second.previous_root != first.root:
        yield _forged(f"{second.service} {second.number} does not follow {first.number}")
    if second.number == first.number and second != first:
        yield _forged(f"there are two {second.service} {second.number}")


def _forged(description: str) -> CheckpointFinding:
    return CheckpointFinding(
        aggregate_id="", version=0, code=CheckpointFindingCode.FORGED_CHECKPOINT, description=description
    )


def _finding(found_by: str, finding: CheckpointFinding) -> Finding:
    return Finding(
        found_by=found_by,
        aggregate=finding.aggregate_id or found_by,
        version=finding.version,
        code=finding.code.value,
        description=finding.description,
    )
