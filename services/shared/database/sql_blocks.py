"""SQL lives in `.sql` files in named blocks: `-- name -- why this statement exists`."""

import re
from importlib.resources import files

_HEADING = re.compile(r"^-- (?P<name>[a-z][a-z0-9_]*) -- (?P<why>\S.*)$")


def load_blocks(package: str, file_name: str) -> dict[str, str]:
    """Statements of `file_name` in `package` by name.

    Raises ValueError when a block has no statement, a name stands twice, or text stands before the first.
    """
    blocks: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in files(package).joinpath(file_name).read_text(encoding="utf-8").splitlines():
        heading = _HEADING.match(line)
        if heading:
            name = heading["name"]
            if name in blocks:
                raise ValueError(f"{package}/{file_name}: block {name} stands twice")
            current = blocks.setdefault(name, [])
        elif current is not None:
            current.append(line)
        elif line.strip() and not line.startswith("--"):
            raise ValueError(f"{package}/{file_name}: statement before the first heading")
    statements = {name: "\n".join(lines).strip() for name, lines in blocks.items()}
    empty = [name for name, statement in statements.items() if not statement]
    if empty:
        raise ValueError(f"{package}/{file_name}: empty blocks {empty}")
    return statements
