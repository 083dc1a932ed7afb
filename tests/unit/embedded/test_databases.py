"""Addresses of databases."""

from __future__ import annotations

import pytest

from services.embedded.databases import with_database


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://a@127.0.0.1:5432/postgres", "postgresql://a@127.0.0.1:5432/other"),
        ("postgresql://a:p%40s@host/db?sslmode=require", "postgresql://a:p%40s@host/other?sslmode=require"),
    ],
)
def test_only_the_database_changes(dsn: str, expected: str) -> None:
    assert with_database(dsn, "other") == expected
