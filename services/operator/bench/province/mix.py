"""How many of what a second: rates counted in one place, scaled to provinces in their busiest hour."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated

import msgspec
import yaml

#: A twelfth of a year of 365.25 days.
MONTH_S = 365.25 / 12 * 86_400
_HOURS = 24

_Positive = Annotated[float, msgspec.Meta(gt=0)]
_Part = Annotated[float, msgspec.Meta(gt=0, le=1)]
_Said = Annotated[str, msgspec.Meta(min_length=10)]


class Quantity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number, where it is from, and whether it is made up."""

    value: _Positive
    source: _Said
    synthetic: bool


class Share(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of something, where it is from, and whether it is made up."""

    value: _Part
    source: _Said
    synthetic: bool


class Counted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many in so long, in so many counties."""

    count: _Positive
    months: _Positive
    counties: _Positive
    source: _Said
    synthetic: bool

    @property
    def per_county_second(self) -> float:
        """On average, day and night."""
        return self.count / (self.months * MONTH_S * self.counties)


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a course begins."""

    counted: Counted
    share: Share

    @property
    def per_county_second(self) -> float:
        """On average, day and night."""
        return self.counted.per_county_second * self.share.value

    @property
    def is_synthetic(self) -> bool:
        """Whether any part of it is made up."""
        return self.counted.synthetic or self.share.synthetic


class Province(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes a province of counties, and a busiest hour of a day."""

    counties: Quantity
    busiest_hour_share: Share


class Mix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rates of all courses, by their names."""

    province: Province
    rates: Annotated[dict[str, Rate], msgspec.Meta(min_length=1)]

    def per_second(self, provinces: float) -> Mapping[str, float]:
        """How many of each course begin in a second of the busiest hour of so many provinces."""
        times = provinces * self.province.counties.value * self.province.busiest_hour_share.value * _HOURS
        return {name: rate.per_county_second * times for name, rate in self.rates.items()}


def read_mix(text: str) -> Mix:
    """The mix of a file's text. Raises ValueError, saying what of it does not fit."""
    try:
        return msgspec.convert(yaml.safe_load(text), Mix)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise ValueError(str(error)) from error


def packaged_mix() -> Mix:
    """The one that comes with the bench."""
    return read_mix(files(__package__).joinpath("mix.yaml").read_text("utf-8"))


def calls_per_second(lives: Mapping[str, float], calls: Mapping[str, int]) -> float:
    """How many calls a second come of courses that begin so often and have so many calls each.

    Raises KeyError for a course without calls.
    """
    return sum(per_second * calls[name] for name, per_second in lives.items())
