"""Visits of standing orders, page by page: what is asked of visits is applied before a page is full."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.referral.application.listing import ListFilter, Place
from services.referral.application.reading import Reader, Reading
from services.referral.domain.standing_state import StandingOrder
from services.referral.domain.standing_values import Visit
from services.shared.eventstore.aggregate import AggregateKind

#: Orders looked through for one answer: a page may then be short, or empty, and still say where to go on.
ORDERS_MAX = 2_000
#: Orders read at a time.
_STEP = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitPage:
    """Visits by their time, each with its order; where to go on, None when there is no more."""

    visits: tuple[tuple[StandingOrder, Visit], ...]
    next_after: Place | None


async def list_visits(
    reading: Reading,
    kind: AggregateKind[StandingOrder, Any],
    wanted: ListFilter,
    reader: Reader,
    *,
    matches: Callable[[Visit], bool],
    after: Place | None,
    limit: int,
) -> VisitPage:
    """Matching visits of at most `limit` orders that have one; the orders that changed last come first.

    Only those orders are recorded as shown. Raises DependencyDown when the store is away.
    """
    found: list[tuple[StandingOrder, tuple[Visit, ...]]] = []
    looked_through = 0
    more = True
    while more and len(found) < limit and looked_through < ORDERS_MAX:
        page = await reading.look_through(kind, wanted, reader, after=after, limit=min(_STEP, limit))
        more = page.next_after is not None
        for order, position in zip(page.states, page.positions, strict=True):
            if len(found) >= limit:
                more = True
                break
            after, looked_through = position, looked_through + 1
            visits = tuple(visit for visit in order.visits if matches(visit))
            if visits:
                found.append((order, visits))
    await reading.shown(reader, *(order.name for order, _ in found))
    pairs = [(order, visit) for order, visits in found for visit in visits]
    pairs.sort(key=lambda pair: (pair[1].starts_at, pair[0].name))
    return VisitPage(visits=tuple(pairs), next_after=after if more else None)
