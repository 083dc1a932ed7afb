"""Named SQL blocks and migrations: a file that is not as agreed is refused when it is loaded."""

from pathlib import Path

import pytest

from services.shared.database.migrations import load_migrations
from services.shared.database.sql_blocks import load_blocks

MIGRATION = "-- migrate:up\nCREATE TABLE t (i int);\n-- migrate:down\nDROP TABLE t;\n"


@pytest.fixture
def package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> tuple[str, Path]:
    """A package of its own for each test."""
    name = f"sql_of_{abs(hash(request.node.nodeid))}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    return name, folder


def test_blocks_are_found_by_name(package: tuple[str, Path]) -> None:
    name, folder = package
    (folder / "q.sql").write_text("-- one -- because\nSELECT 1\n\n-- two -- also\nSELECT\n  2\n")
    assert load_blocks(name, "q.sql") == {"one": "SELECT 1", "two": "SELECT\n  2"}


@pytest.mark.parametrize(
    "text, message",
    [
        ("-- one -- why\nSELECT 1\n-- one -- why\nSELECT 2\n", "twice"),
        ("-- one -- why\n\n-- two -- why\nSELECT 2\n", "empty"),
        ("SELECT 1\n", "before the first"),
    ],
)
def test_a_file_that_is_not_as_agreed_is_refused(package: tuple[str, Path], text: str, message: str) -> None:
    name, folder = package
    (folder / "q.sql").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_blocks(name, "q.sql")


def test_migrations_come_by_version(package: tuple[str, Path]) -> None:
    name, folder = package
    (folder / "0002_b.sql").write_text(MIGRATION)
    (folder / "0001_a.sql").write_text(MIGRATION)
    (folder / "notes.txt").write_text("no migration")
    assert [migration.version for migration in load_migrations(name)] == ["0001", "0002"]


@pytest.mark.parametrize("text", ["CREATE TABLE t (i int);", "-- migrate:down\nDROP TABLE t;"])
def test_a_migration_without_its_parts_is_refused(package: tuple[str, Path], text: str) -> None:
    name, folder = package
    (folder / "0001_a.sql").write_text(text)
    with pytest.raises(ValueError, match="migrate:up"):
        load_migrations(name)


def test_a_version_given_twice_is_refused(package: tuple[str, Path]) -> None:
    name, folder = package
    (folder / "0001_a.sql").write_text(MIGRATION)
    (folder / "0001_b.sql").write_text(MIGRATION)
    with pytest.raises(ValueError, match="twice"):
        load_migrations(name)
