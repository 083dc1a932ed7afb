"""The tree of RFC 6962: known roots, and proofs that hold for their own leaf and place alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.audit.merkle import inclusion_path, is_included, leaf_hash, merkle_root

#: The entries and roots that implementations of Certificate Transparency test themselves with.
ENTRIES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("count", ROOTS)
def test_roots_are_those_of_rfc_6962(count: int) -> None:
    assert merkle_root([leaf_hash(each) for each in ENTRIES[:count]]).hex() == ROOTS[count]


@settings(max_examples=80, deadline=None)
@given(size=st.integers(1, 70), data=st.data())
def test_a_path_proves_its_leaf_at_its_place_and_no_other(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(str(each).encode()) for each in range(size)]
    root = merkle_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(leaves, index)

    assert is_included(leaves[index], index, size, path, root)
    assert not is_included(leaf_hash(b"other"), index, size, path, root)
    assert not is_included(leaves[index], index, size, (*path, root), root)
    for other in {0, size - 1, size, -1, index ^ 1} - {index}:
        assert not is_included(leaves[index], other, size, path, root)
    if path:
        assert not is_included(leaves[index], index, size, path[:-1], root)


def test_a_place_that_is_not_there_has_no_path() -> None:
    with pytest.raises(IndexError):
        inclusion_path([leaf_hash(b"")], 1)
