"""The kinds of the toy aggregate's service, by name, for a process that is to find them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.shared.eventstore.aggregate import AggregateKind
from tests.doubles.parcel import PARCEL


@dataclass(frozen=True, kw_only=True)
class Aggregates:
    """Parcels alone."""

    def by_name(self) -> Mapping[str, AggregateKind[Any, Any]]:
        return {PARCEL.name: PARCEL}


def build_aggregates() -> Aggregates:
    """What every service's codecs have."""
    return Aggregates()
