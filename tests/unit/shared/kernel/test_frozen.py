"""A value made by its open twin is one that its class made, and as frozen."""

from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from services.shared.kernel.frozen import changed, copier, open_twin


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    ward: str
    bed: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken(Place):
    patient: str
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    bed: int

    def __post_init__(self) -> None:
        if self.bed < 1:
            raise ValueError(self.bed)


@dataclass(frozen=True, kw_only=True)
class WithoutSlots:
    bed: int


PLACES = (Place(ward="a"), Taken(ward="a", bed=2, patient="p"))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: type(place).__name__)
def test_a_copy_differs_in_what_was_changed_alone(place: Place) -> None:
    copy = changed(place, ward="b")
    assert copy == replace(place, ward="b")
    assert (type(copy), hash(copy), repr(copy)) == (
        type(place),
        hash(replace(place, ward="b")),
        repr(replace(place, ward="b")),
    )
    assert changed(place) == place and changed(place) is not place
    assert place.ward == "a"


@pytest.mark.parametrize("place", PLACES, ids=lambda place: type(place).__name__)
def test_it_is_as_frozen_as_any(place: Place) -> None:
    copy: Any = changed(place, bed=3)
    with pytest.raises(FrozenInstanceError):
        copy.bed = 4
    with pytest.raises(FrozenInstanceError):
        del copy.bed
    assert copy.bed == 3


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(AttributeError):
        copier(Place)(PLACES[0], {"room": 1})


@pytest.mark.parametrize("kind", [Checked, WithoutSlots, str])
def test_what_would_pass_something_over_has_no_twin(kind: type) -> None:
    assert open_twin(kind) is None
    with pytest.raises(TypeError, match=kind.__name__):
        copier(kind)
