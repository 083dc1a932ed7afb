"""Where a replay may go, and where it may not."""

import re
from collections.abc import Iterable, Mapping

from services.operator.replay.refusals import ReplayRefused

#: The product's own topics: `tierlink.<name>.v1`, and those that the availability worker keeps its table in.
_LIVE = re.compile(r"tierlink\.(?:[a-z_]+\.)+v\d+|tierlink-.*")


def is_live(topic: str) -> bool:
    """Whether a service may read or write a topic of this name."""
    return _LIVE.fullmatch(topic) is not None


def target_names(sources: Iterable[str], *, topic: str, suffix: str) -> Mapping[str, str]:
    """The target of each source topic. Raises ReplayRefused for several topics that would become one."""
    names = tuple(sources)
    if topic and suffix:
        raise ReplayRefused("replay.topic_and_suffix")
    if topic and len(names) > 1:
        raise ReplayRefused("replay.several_into_one", count=len(names))
    return {name: topic or f"{name}{suffix}" for name in names}


def refuse_harmful(names: Mapping[str, str], *, is_same_cluster: bool, yes_live: bool) -> None:
    """Raises ReplayRefused for a loop, and for what live services would take for news.

    On the same cluster a live topic is never a target: its readers would act, and it is the source's own.
    """
    for source, target in names.items():
        if is_same_cluster and source == target:
            raise ReplayRefused("replay.onto_itself", topic=target)
        if is_same_cluster and is_live(target):
            raise ReplayRefused("replay.live_here", topic=target)
        if is_live(target) and not yes_live:
            raise ReplayRefused("replay.live_there", topic=target)
    if is_same_cluster and set(names) & set(names.values()):
        raise ReplayRefused("replay.onto_itself", topic=", ".join(sorted(set(names) & set(names.values()))))
