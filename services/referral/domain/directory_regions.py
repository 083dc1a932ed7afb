"""Regions of a directory: which there are, and which areas claim the same one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.referral.domain.directory_entries import PoolingArea, region_holds
from services.referral.domain.directory_state import Community, Facility

#: Digits of a code: a county (GB/T 2260), a township or a village in it (statistical codes).
_DIGITS = frozenset({6, 9, 12})


def is_region(code: str) -> bool:
    """Whether the text can be a region code."""
    return len(code) in _DIGITS and code.isascii() and code.isdigit()


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionsKnown:
    """Regions in which the directory has somebody."""

    codes: frozenset[str]

    @classmethod
    def of(cls, communities: Iterable[Community], facilities: Iterable[Facility]) -> "RegionsKnown":
        codes = {each.county for each in communities} | {each.region for each in facilities}
        return cls(codes=frozenset(codes - {""}))

    def has(self, region: str) -> bool:
        """Whether one of them is, or lies in, the region."""
        return is_region(region) and any(region_holds(region, code) for code in self.codes)


def area_repetitions(areas: Iterable[PoolingArea]) -> Iterator[tuple[str, str]]:
    """Regions and facilities that two pooling areas name: path behind the list, and what is wrong.

    One fund pays for one patient. A smaller region within another area's larger one is no repetition.
    """
    owners: dict[str, str] = {}
    for index, area in enumerate(areas):
        for field, names in (("regions", area.regions), ("facilities", area.facilities)):
            for place, name in enumerate(names):
                owner = owners.setdefault(f"{field}/{name}", area.id)
                if owner != area.id:
                    yield f"[{index}].{field}[{place}]", f"{name} is in area {owner} too"
