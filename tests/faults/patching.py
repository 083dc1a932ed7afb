"""How a seeded bug gets into a service: lines of it are replaced; to find nothing to replace is an error."""

import sys
from collections.abc import Callable
from typing import Any

from services.shared.eventstore import postgres_store

Rows = list[tuple[Any, ...]]
#: The list of claims taken, of those of `postgres_store._rows`.
_TAKEN = 6


def put(owner: Any, name: str, value: Any) -> None:
    assert hasattr(owner, name), f"{owner} has no {name}: the bug has nothing to replace any more"
    setattr(owner, name, value)


def put_sql(sql: str) -> None:
    blocks = dict(postgres_store._SQL)
    assert sql != blocks["append_units"], "the bug changes nothing any more"
    put(postgres_store, "_SQL", {**blocks, "append_units": sql})


def spoil_rows(spoil: Callable[[tuple[Rows, ...]], None]) -> None:
    rows = postgres_store._rows

    def spoiled(units: Any) -> tuple[Rows, ...]:
        lists = rows(units)
        spoil(lists)
        return lists

    put(postgres_store, "_rows", spoiled)


def without_claims() -> None:
    spoil_rows(lambda lists: lists[_TAKEN].clear())


def modules_with(name: str, value: Any) -> list[Any]:
    """Modules that imported a function by its name."""
    return [module for module in list(sys.modules.values()) if getattr(module, name, None) is value]
