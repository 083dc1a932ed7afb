"""A disk that is full takes nothing more, and takes it again once there is room."""

import errno
from pathlib import Path

import pytest

from tests.faults.small_disks import small_disk, why_no_small_disks


def test_a_disk_is_full_to_the_last_byte_and_then_not(tmp_path: Path) -> None:
    if reason := why_no_small_disks():
        pytest.skip(reason)
    with small_disk(tmp_path / "mounted") as disk:
        before = tmp_path / "mounted" / "before"
        before.write_bytes(b"x" * 10)
        disk.fill()
        with pytest.raises(OSError) as refused, (tmp_path / "mounted" / "more").open("wb") as file:
            file.write(b"x" * 1_000_000)
        assert refused.value.errno == errno.ENOSPC
        disk.free()
        (tmp_path / "mounted" / "more").write_bytes(b"x" * 1_000_000)
        assert before.read_bytes() == b"x" * 10
    assert not (tmp_path / "mounted" / "before").exists()
