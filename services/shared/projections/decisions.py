"""What operators decide of a read model: an aggregate of its own, whose events stand in the audit trail."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import Deadline, Recorded
from services.shared.kernel.refusals import FailedRule, NotAllowed, NotPermitted
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class RebuildBegun:
    """Another one is made beside the one that serves."""

    projection: str
    number: int
    #: STORE or KAFKA
    source: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectionSwapped:
    """The one that was made serves, and the one that served is kept."""

    projection: str
    number: int
    replaced: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildDropped:
    """One that does not serve is given up."""

    projection: str
    number: int
    reason: str


DecisionEvent = RebuildBegun | ProjectionSwapped | BuildDropped
EVENTS: tuple[type, ...] = (RebuildBegun, ProjectionSwapped, BuildDropped)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectionFile:
    """What was decided of one read model. Numbers are 0 where there is none."""

    #: `projections/{name}`
    name: str
    version: int
    serving: int
    building: int
    #: of the one that is made
    source: str
    retired: int
    #: the highest number that was given
    latest: int
    decided_by: str
    decided_at: datetime | None
    reason: str


def file_name(projection: str) -> str:
    """The name of a read model's file of decisions."""
    return f"projections/{projection}"


def untouched(projection: str) -> ProjectionFile:
    """Before the first decision: the read model that its migration made."""
    return ProjectionFile(
        name=file_name(projection),
        version=0,
        serving=1,
        building=0,
        source="",
        retired=0,
        latest=1,
        decided_by="",
        decided_at=None,
        reason="",
    )


def check_actor(actor: Actor) -> None:
    """Raises NotPermitted for anybody but operators."""
    if not actor.has_role(Role.OPERATOR):
        text = BilingualText(zh="仅运维人员可重建读模型", en="only operators make read models anew")
        raise NotPermitted("ROLE_NOT_PERMITTED", text)


def begin(file: ProjectionFile, projection: str, source: str, reason: str) -> RebuildBegun:
    """Raises NotAllowed while another one is made."""
    if file.building:
        raise _refused(
            file,
            "BUILT_ALREADY",
            BilingualText(zh="该读模型已有一份正在重建", en="one is being made of it already"),
        )
    return RebuildBegun(projection=projection, number=file.latest + 1, source=source, reason=reason)


def swap(file: ProjectionFile, projection: str, reason: str) -> ProjectionSwapped:
    """Raises NotAllowed when there is none to swap, or the one of before is still kept."""
    if not file.building:
        raise _refused(
            file, "NOTHING_BUILT", BilingualText(zh="没有重建中的读模型", en="none is being made of it")
        )
    if file.retired:
        raise _refused(
            file,
            "RETIRED_KEPT",
            BilingualText(
                zh="上一次切换下来的一份仍保留，请先丢弃", en="the one that was replaced before is still kept"
            ),
        )
    return ProjectionSwapped(
        projection=projection, number=file.building, replaced=file.serving, reason=reason
    )


def drop(file: ProjectionFile, projection: str, number: int, reason: str) -> BuildDropped:
    """Raises NotAllowed for the one that serves, and for one that is not there."""
    if number not in (file.building, file.retired):
        raise _refused(
            file,
            "SERVES_OR_GONE",
            BilingualText(zh="该份正在使用或不存在", en="that one serves, or is not there"),
        )
    return BuildDropped(projection=projection, number=number, reason=reason)


def too_far_behind(file: ProjectionFile) -> NotAllowed:
    """A swap would hold commands up for as long as it takes to fold what is left."""
    text = BilingualText(
        zh="重建尚未追上，请先继续 rebuild",
        en="it is far behind what the store has; go on with the rebuild first",
    )
    return _refused(file, "FAR_BEHIND", text)


def columns_differ(file: ProjectionFile) -> NotAllowed:
    """The table that serves was changed by a migration while the other was made."""
    text = BilingualText(
        zh="表结构已变，请丢弃后重新重建",
        en="the table that serves has other columns by now; drop this one and begin anew",
    )
    return _refused(file, "COLUMNS_DIFFER", text)


def records_gone(file: ProjectionFile, places: str) -> NotAllowed:
    """What it is made from has lost what was still to be read."""
    text = BilingualText(
        zh=f"Kafka 已删除尚未读取的事件（{places}），请丢弃后以 --source store 重建",
        en=f"Kafka has deleted events that were still to be read ({places}); drop this one and rebuild with"
        " --source store",
    )
    return _refused(file, "RECORDS_GONE", text)


def _refused(file: ProjectionFile, code: str, text: BilingualText) -> NotAllowed:
    return NotAllowed(
        state="BUILDING" if file.building else "SERVING",
        allowed_commands=(),
        failed_rules=(FailedRule(code=code, text=text),),
        resource_name=file.name,
    )


def evolve(state: ProjectionFile | None, recorded: Recorded[DecisionEvent]) -> ProjectionFile:
    """The file after one more decision."""
    event, metadata = recorded.event, recorded.metadata
    file = replace(
        state or untouched(event.projection),
        version=metadata.version,
        decided_by=metadata.actor.user,
        decided_at=metadata.recorded_at,
        reason=event.reason,
    )
    if isinstance(event, RebuildBegun):
        return replace(file, building=event.number, latest=event.number, source=event.source)
    if isinstance(event, ProjectionSwapped):
        return replace(file, serving=event.number, building=0, source="", retired=event.replaced)
    if event.number == file.building:
        return replace(file, building=0, source="")
    return replace(file, retired=0)


def deadlines(state: ProjectionFile) -> tuple[Deadline, ...]:
    """Nobody waits for a decision of an operator by the clock."""
    return ()


def facets(state: ProjectionFile) -> dict[str, str | bool | list[str]]:
    """Known to operators alone."""
    return {"parties": [], "live": False}
