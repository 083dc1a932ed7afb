"""Whatever a command says of a call that failed comes from the catalogue, in the operator's language."""

import ast
from collections.abc import Iterator
from pathlib import Path

COMMANDS = Path(__file__).resolve().parents[2] / "services/operator/commands"


def _handlers(tree: ast.AST) -> Iterator[ast.ExceptHandler]:
    """Those that catch a call that failed, by its name or by one that ends in `EXPECTED`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            caught = ast.unparse(node.type)
            if "CallFailed" in caught or caught.endswith("EXPECTED"):
                yield node


def _in_one_language(handler: ast.ExceptHandler) -> bool:
    return any(
        isinstance(node, ast.Call)
        and ast.unparse(node.func) == "give_up"
        and ast.unparse(node.args[0]) == f"str({handler.name})"
        for node in ast.walk(handler)
    )


def test_no_command_gives_up_with_a_failed_calls_own_words() -> None:
    handlers = [
        (path.name, handler)
        for path in sorted(COMMANDS.glob("*.py"))
        for handler in _handlers(ast.parse(path.read_text("utf-8")))
    ]
    assert len(handlers) > 12
    assert [f"{name}:{handler.lineno}" for name, handler in handlers if _in_one_language(handler)] == []
