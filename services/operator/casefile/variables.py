"""`${name}`, `${at 01:05}` and `${day 10}` in the values of a case file.

A value that is one variable alone keeps the variable's type; within a text it becomes text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.operator.rpc.values import rfc3339

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_OFFSET = re.compile(r"(?:(\d{1,3})d )?(\d{1,4}):([0-5]\d)")
_DAY = re.compile(r"[+-]?\d{1,4}")

#: Known without being defined: a word that no two plays share.
UNIQUE = "unique"


class UnknownVariable(Exception):
    """A variable that has no value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseTime:
    """When the case begins, for `${at …}` and `${day …}`."""

    start: datetime
    utc_offset_minutes: int

    def at(self, offset: timedelta) -> datetime:
        """The moment so long after the start, UTC."""
        return self.start + offset

    def day(self, days: int) -> str:
        """The calendar day so many days after that of the start, in local time."""
        local = self.start + timedelta(minutes=self.utc_offset_minutes, days=days)
        return local.date().isoformat()


def parse_offset(text: str) -> timedelta | None:
    """`hh:mm` or `9d hh:mm` after the start; None when it is neither."""
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes = match.groups()
    return timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes))


def format_offset(offset: timedelta) -> str:
    """The text that `parse_offset` reads."""
    minutes = offset // timedelta(minutes=1)
    days, rest = divmod(minutes, 24 * 60)
    clock = f"{rest // 60:02}:{rest % 60:02}"
    return f"{days}d {clock}" if days else clock


def is_name(text: str) -> bool:
    """Whether a variable may be named so."""
    return _NAME.fullmatch(text) is not None


def holds_variables(value: Any) -> bool:
    """Whether there is a variable in it."""
    return isinstance(value, str) and _VARIABLE.search(value) is not None


def is_one_variable(value: Any) -> bool:
    """Whether it is a variable and nothing else."""
    return isinstance(value, str) and _VARIABLE.fullmatch(value) is not None


def variable_faults(text: str, known: set[str]) -> Iterator[str]:
    """What is wrong with the variables in a text."""
    for expression in _VARIABLE.findall(text):
        word, _, rest = expression.partition(" ")
        if word == "at" and rest:
            if parse_offset(rest) is None:
                yield f"${{{expression}}}: a time is hh:mm or 9d hh:mm"
        elif word == "day" and rest:
            if _DAY.fullmatch(rest) is None:
                yield f"${{{expression}}}: a day is a whole number"
        elif not is_name(expression):
            yield f"${{{expression}}} is no variable"
        elif expression not in known:
            yield f"${{{expression}}} has no value here"


def substitute(value: Any, variables: Mapping[str, Any], time: CaseTime) -> Any:
    """The value with every variable replaced, in lists and mappings too. Raises UnknownVariable."""
    if isinstance(value, dict):
        return {key: substitute(each, variables, time) for key, each in value.items()}
    if isinstance(value, list):
        return [substitute(each, variables, time) for each in value]
    if not isinstance(value, str):
        return value
    whole = _VARIABLE.fullmatch(value)
    if whole is not None:
        return _resolve(whole.group(1), variables, time)
    return _VARIABLE.sub(lambda match: str(_resolve(match.group(1), variables, time)), value)


def _resolve(expression: str, variables: Mapping[str, Any], time: CaseTime) -> Any:
    word, _, rest = expression.partition(" ")
    if word == "at" and rest:
        offset = parse_offset(rest)
        if offset is not None:
            return rfc3339(time.at(offset))
    elif word == "day" and rest:
        return time.day(int(rest))
    elif expression in variables:
        return variables[expression]
    raise UnknownVariable(f"${{{expression}}} has no value")
