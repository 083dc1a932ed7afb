"""The documentation of the state table, generated from it: a diagram, the rows, and a matrix.

Each returns Markdown (the diagram: Mermaid) that is the same on every run, so that a test can compare the
committed page with it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

from services.referral.domain.labels import COMMANDS, EVENTS, PARTIES, ROLES, STATES
from services.referral.domain.parties import By
from services.referral.domain.referral_state import TERMINAL
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.transition_lookup import INTERNAL
from services.referral.domain.transition_row import Outcome, Row
from services.referral.domain.transitions import TABLE
from services.referral.domain.transitions_record import NON_TERMINAL
from services.shared.kernel.text import BilingualText

Language: TypeAlias = Literal["zh", "en"]

_HEADINGS = {
    "zh": ("原状态", "命令", "执行方", "条件", "事件", "新状态"),
    "en": ("from", "command", "by", "guard", "event", "to"),
}
_NORMS = BilingualText(zh="符合转诊规范（或编码例外）", en="norms pass (or a coded override)")
_DOWN_ONLY = BilingualText(zh="仅下转", en="of a DOWN referral")
_ANY_LIVE = BilingualText(zh="任一未终结状态", en="any non-terminal")
_ANY_BUT_ERROR = BilingualText(zh="任一状态（已作废除外）", en="any but ENTERED_IN_ERROR")
_OTHERWISE = BilingualText(zh="否则", en="otherwise")
_NOTHING = "–"


def mermaid(language: Language) -> str:
    """The diagram of the states, in Mermaid."""
    lines = ["stateDiagram-v2"]
    lines.extend(f'    state "{_in(STATES[state], language)}<br/>{state}" as {state}' for state in S)
    lines.append(f'    state "{_in(_ANY_LIVE, language)}" as ANY_LIVE')
    lines.append(f'    state "{_in(_ANY_BUT_ERROR, language)}" as ANY')
    lines.extend(dict.fromkeys(_arrows(language)))
    lines.extend(f"    {state} --> [*]" for state in S if state in TERMINAL)
    return "\n".join(lines) + "\n"


def markdown_table(language: Language) -> str:
    """Every row of the table, as in docs/domain.md."""
    rows = [
        (
            _sources(row, language),
            _named(row.command.__name__, COMMANDS[row.command.__name__], language),
            _by(row.by, language),
            _guards(row, language),
            "<br/>".join(_events(row, language)),
            "<br/>".join(_targets(row, language)),
        )
        for row in TABLE
    ]
    return _markdown(_HEADINGS[language], rows)


def markdown_matrix(language: Language) -> str:
    """Which command is allowed in which state: commands down, states across."""
    names = [_in(STATES[state], language) for state in S]
    commands = dict.fromkeys(row.command for row in TABLE if row.command not in INTERNAL)
    rows = []
    for command in commands:
        sources = {source for row in TABLE if row.command is command for source in row.sources}
        label = _named(command.__name__, COMMANDS[command.__name__], language)
        rows.append((label, *["●" if state in sources else "" for state in S]))
    return _markdown(("", *names), rows)


def _arrows(language: Language) -> Iterator[str]:
    for row in TABLE:
        label = _in(COMMANDS[row.command.__name__], language)
        for outcome in row.outcomes:
            if outcome.to is None:
                continue
            why = f"{label}（{_in(EVENTS[outcome.event.__name__], language)}）"
            text = why if row.command in INTERNAL else label
            for source in _origins(row):
                yield f"    {source} --> {outcome.to}: {text}"


def _origins(row: Row) -> Sequence[str]:
    if row.sources == NON_TERMINAL:
        return ("ANY_LIVE",)
    if len(row.sources) == len(S) - 1:
        return ("ANY",)
    return ["[*]" if source is None else source.value for source in row.sources]


def _sources(row: Row, language: Language) -> str:
    if row.sources == NON_TERMINAL:
        return _in(_ANY_LIVE, language)
    if len(row.sources) == len(S) - 1:
        return _in(_ANY_BUT_ERROR, language)
    names = [_NOTHING if source is None else _state(source, language) for source in row.sources]
    text = _joined(names, language)
    return f"{text} ({_in(_DOWN_ONLY, language)})" if row.down_only else text


def _by(by: tuple[By, ...], language: Language) -> str:
    parts = []
    for each in by:
        party = _in(PARTIES[each.party.value], language)
        roles = _joined([_in(ROLES[role.value], language) for role in each.roles], language)
        parts.append(party if party == roles else f"{party} ({roles})")
    return "<br/>".join(parts)


def _guards(row: Row, language: Language) -> str:
    guards = [_in(guard.must, language) for guard in row.guards]
    if row.norms:
        guards.append(_in(_NORMS, language))
    return "; ".join(guards) or _NOTHING


def _events(row: Row, language: Language) -> Iterable[str]:
    names = dict.fromkeys(outcome.event.__name__ for outcome in row.outcomes)
    return [_named(name, EVENTS[name], language) for name in names]


def _targets(row: Row, language: Language) -> Iterable[str]:
    return dict.fromkeys(_target(outcome, row, language) for outcome in row.outcomes)


def _target(outcome: Outcome, row: Row, language: Language) -> str:
    name = _NOTHING if outcome.to is None else _state(outcome.to, language)
    if outcome.when is not None:
        return f"{name} ({_in(outcome.when.label, language)})"
    conditional = any(each.event is outcome.event and each.when is not None for each in row.outcomes)
    return f"{name} ({_in(_OTHERWISE, language)})" if conditional else name


def _state(state: S, language: Language) -> str:
    return state.value if language == "en" else f"{STATES[state].zh} {state.value}"


def _named(name: str, label: BilingualText, language: Language) -> str:
    return name if language == "en" else f"{label.zh} {name}"


def _in(label: BilingualText, language: Language) -> str:
    return label.zh if language == "zh" else label.en


def _joined(parts: Sequence[str], language: Language) -> str:
    return ("、" if language == "zh" else ", ").join(parts)


def _markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines.extend("| " + " | ".join(cells) + " |" for cells in rows)
    return "\n".join(lines) + "\n"
