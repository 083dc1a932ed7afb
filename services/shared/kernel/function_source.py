"""Functions made of source lines, as `dataclasses` makes `__init__`: a field costs what it would by hand.

Closures, one for each field, took three times as long.
"""

from typing import Any


class FunctionSource:
    """The lines of one function, and the objects that they name."""

    def __init__(self, head: str) -> None:
        self._lines = [head]
        self._names: dict[str, Any] = {}

    def bind(self, kind: str, thing: Any) -> str:
        """The name that `thing` has in the source."""
        name = f"{kind}_{len(self._names)}"
        self._names[name] = thing
        return name

    def add(self, *lines: str) -> None:
        """Adds lines of the function's body."""
        self._lines.extend(f"    {line}" for line in lines)

    def build(self, what: str) -> Any:
        """The function; tracebacks show `what` for its file."""
        name = self._lines[0].removeprefix("def ").partition("(")[0]
        code = compile("\n".join(self._lines), f"<{what}>", "exec")
        # The source has names of fields in it, which are identifiers, and nothing that anybody sent.
        exec(code, self._names)
        return self._names[name]
