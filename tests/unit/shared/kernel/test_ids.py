"""Derived ids are UUIDs of version 5, as the standard library makes them."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from services.shared.kernel.ids import derive_id, resource_name

_NAMESPACE = UUID("6f2d7a3e-51c4-5b0e-9a7d-3c1f0e8b2a64")


@given(parts=st.lists(st.text(), max_size=4))
def test_a_derived_id_is_the_uuid_of_version_5_of_its_parts(parts: list[str]) -> None:
    assert derive_id(*parts) == str(uuid5(_NAMESPACE, "\x1f".join(parts)))


def test_a_resource_name_depends_on_its_collection() -> None:
    assert resource_name("referrals", "1").startswith("referrals/")
    assert resource_name("referrals", "1").split("/")[1] != resource_name("episodes", "1").split("/")[1]
