"""An export that cannot be written whole leaves nothing, and can be begun again under the same name."""

import errno
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.operator.export.test_export import export

#: Less than the program that goes along, more than nothing.
_FILE_BYTES_MAX = 512


@contextmanager
def _no_room() -> Iterator[None]:
    """The system itself refuses to write on, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    told = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES_MAX, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, told)


def test_without_room_nothing_is_left_and_the_same_command_works_later(tmp_path: Path) -> None:
    with _no_room(), pytest.raises(OSError) as refused:
        export(tmp_path)
    assert refused.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []
    assert (export(tmp_path) / "verify.py").exists()


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    out = export(tmp_path)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(FileExistsError):
        export(tmp_path)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert not list(tmp_path.glob("*.part"))
