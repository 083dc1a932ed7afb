"""Who has what is compared a page at a time: each kind of difference once, and no more kept than is shown."""

from typing import Any

import pytest

from services.shared.refolding import comparing
from services.shared.refolding.comparing import Comparison, DatabaseComparison, RowKind
from services.shared.refolding.replica import SQL

Claims = dict[tuple[str, str], str]


class Held:
    """The claims of a database, as its two questions see them."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self.pages = 0

    async def fetch(self, statement: str, *given: Any) -> list[dict[str, str]]:
        if statement == SQL["claims_after"]:
            kind, key, limit = given
            self.pages += 1
            found = sorted(each for each in self._claims if each > (kind, key))[:limit]
        else:
            assert statement == SQL["claims_named"]
            found = [each for each in zip(*given, strict=True) if each in self._claims]
        return [{"kind": kind, "key": key, "holder": self._claims[kind, key]} for kind, key in found]


class Subject:
    foreign_holders = frozenset({"wards/foreign"})


def compared(live: Held, new: Held, *, shown_max: int = 100) -> DatabaseComparison:
    found = Comparison(shown_max=shown_max)
    return DatabaseComparison(Subject(), live, new, found)  # type: ignore[arg-type]


async def test_each_difference_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "_CLAIMS_MAX", 3)
    same = {("bed", f"{n:02}"): f"wards/{n}" for n in range(10)}
    live = Held(
        {**same, ("bed", "gone"): "wards/a", ("bed", "taken"): "wards/b", ("x", "y"): "wards/foreign"}
    )
    new = Held({**same, ("bed", "more"): "wards/c", ("bed", "taken"): "wards/d"})
    found = await compared(live, new).of_claims()
    assert [(each.kind, each.key, each.owner, each.columns) for each in found.shown] == [
        (RowKind.EXTRA, "(bed,more)", "wards/c", ()),
        (RowKind.MISSING, "(bed,gone)", "wards/a", ()),
        (RowKind.ALTERED, "(bed,taken)", "wards/b", ("holder",)),
    ]
    assert found.rows == {"claims": 12}
    assert live.pages == 6, "five of up to three, and the one that is empty"


async def test_no_more_is_kept_than_is_shown_and_all_is_counted() -> None:
    live, new = Held({("bed", f"{n:03}"): "wards/a" for n in range(500)}), Held({})
    desk = compared(live, new, shown_max=7)
    desk.found.add(comparing.RowDifference(kind=RowKind.MISSING, table="events", key="k", owner="o"))
    found = await desk.of_claims()
    assert (len(found.shown), found.counts) == (7, {RowKind.MISSING: 500})
    desk.found.take(found)
    assert (len(desk.found.shown), desk.found.counts) == (7, {RowKind.MISSING: 501})
    assert desk.found.rows == {"claims": 500}
    assert not desk.found.is_same
