"""Modules under 300 lines, functions under 70: what is longer does more than one thing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 70
FOLDERS = ("services", "tests", "deploy")


def _modules() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def too_long(name: str, source: str) -> list[str]:
    """What of a module is longer than it may be."""
    found = []
    lines_count = source.count("\n")
    if lines_count > MODULE_LINES_MAX:
        found.append(f"{name}: {lines_count} lines")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                found.append(f"{name}: {node.name} has {length} lines")
    return found


def test_no_module_and_no_function_is_too_long() -> None:
    found = [
        each
        for path in _modules()
        for each in too_long(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("x = 1\n" * 300, 0),
        ("x = 1\n" * 301, 1),
        ("def f():\n" + "    x = 1\n" * 69, 0),
        ("async def f():\n" + "    x = 1\n" * 70, 1),
        ("class A:\n    def f(self):\n" + "        x = 1\n" * 70, 1),
    ],
)
def test_what_is_too_long_is_named(source: str, count: int) -> None:
    assert len(too_long("m.py", source)) == count
