"""Generates `docs/generated/`: of each state machine a diagram, its table, and which command is allowed when.

`--check` compares with the committed pages, so that they never drift from the tables they are made from.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import interface_statuses
import state_machines
from state_machines import Arrow, Machine

from services.referral.domain import state_documentation as referral
from services.shared.kernel.text import BilingualText

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "generated"

Language: TypeAlias = Literal["zh", "en"]

_LANGUAGES: tuple[Language, ...] = ("en", "zh")
_OTHER: dict[Language, tuple[Language, str]] = {"en": ("zh", "中文"), "zh": ("en", "English")}
_HEADINGS = {"en": ("from", "command", "event", "to"), "zh": ("原状态", "命令", "事件", "新状态")}
_SECTIONS = {
    "en": ("States", "Which command in which state", "The table"),
    "zh": ("状态图", "各状态下允许的命令", "状态表"),
}
_TITLE = BilingualText(zh="状态机", en=" state machine")
_NOTE = BilingualText(
    zh="本页由 `deploy/generate_diagrams.py` 从 `{source}` 生成，请勿手工修改；测试会核对。",
    en="Generated from `{source}` by `deploy/generate_diagrams.py`; a test compares. Do not edit.",
)
_MATRIX_NOTE = BilingualText(
    zh="● 表示状态表允许；执行方、条件与规范仍可能拒绝。",
    en="● says that the table allows it; who asks, guards and norms may still refuse.",
)
_PLATFORM_NOTE = BilingualText(
    zh="⚙ 由平台发出：到期的时限，或其他服务的事件。",
    en="⚙ is given by the platform: a due deadline, or another service's event.",
)


def pages() -> dict[str, str]:
    """The text of every page by its file's name."""
    machines = {
        "consultation": state_machines.consultation(),
        "episode": state_machines.episode(),
        "standing": state_machines.standing(),
        "bed": state_machines.bed(),
        "alert": state_machines.alert(),
    }
    elsewhere = {"consultation": interface_statuses.consultation}
    found: dict[str, str] = {}
    for language in _LANGUAGES:
        found[_file("referral", language)] = _page(
            "referral",
            language,
            title=BilingualText(zh="转诊", en="Referral"),
            source="services/referral/domain/transitions.py",
            parts=(
                _fenced(referral.mermaid(language)),
                referral.markdown_matrix(language),
                referral.markdown_table(language),
            ),
            more=interface_statuses.referral(language),
        )
        for name, machine in machines.items():
            found[_file(name, language)] = _page(
                name,
                language,
                title=machine.title,
                source=machine.source,
                parts=(
                    _fenced(_mermaid(machine, language)),
                    _matrix(machine, language),
                    f"{_in(_PLATFORM_NOTE, language)}\n\n{_table(machine, language)}",
                ),
                more=elsewhere[name](language) if name in elsewhere else (),
            )
    return found


def _file(name: str, language: Language) -> str:
    return f"{name}.md" if language == "en" else f"{name}.zh.md"


def _page(
    name: str,
    language: Language,
    *,
    title: BilingualText,
    source: str,
    parts: Sequence[str],
    more: Sequence[str] = (),
) -> str:
    """`parts` are the diagram, the matrix and the table; `more` follows them as it is."""
    diagram, matrix, table = parts
    states, allowed, rows = _SECTIONS[language]
    other, called = _OTHER[language]
    heading = f"{_in(title, language)}{_in(_TITLE, language)}"
    note = f"{_in(_NOTE, language).format(source=source)} [{called}]({_file(name, other)})"
    blocks = (
        f"# {heading}",
        note,
        f"## {states}",
        diagram,
        f"## {allowed}",
        _in(_MATRIX_NOTE, language),
        matrix,
        f"## {rows}",
        table,
        *more,
    )
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _fenced(diagram: str) -> str:
    return f"```mermaid\n{diagram}```"


def _mermaid(machine: Machine, language: Language) -> str:
    lines = ["stateDiagram-v2"]
    lines.extend(
        f'    state "{_in(label, language)}<br/>{state}" as {state}'
        for state, label in machine.states.items()
    )
    # One line for all the commands between two states: labels of parallel ones would cover each other.
    ways: dict[tuple[str, str], dict[str, None]] = {}
    for arrow in machine.arrows:
        if arrow.source != arrow.target:
            ways.setdefault((arrow.source, arrow.target), {})[_command(arrow)] = None
    lines.extend(
        f"    {source or '[*]'} --> {target}: {'<br/>'.join(commands)}"
        for (source, target), commands in ways.items()
    )
    sources = {source for source, _ in ways}
    lines.extend(f"    {state} --> [*]" for state in machine.states if state not in sources)
    return "\n".join(lines) + "\n"


def _matrix(machine: Machine, language: Language) -> str:
    commands = dict.fromkeys(
        arrow.command for arrow in machine.arrows if not arrow.by_platform and arrow.source
    )
    allowed = {(arrow.command, arrow.source) for arrow in machine.arrows}
    rows = [
        (command, *("●" if (command, state) in allowed else "" for state in machine.states))
        for command in commands
    ]
    return _markdown(("", *(_in(label, language) for label in machine.states.values())), rows)


def _table(machine: Machine, language: Language) -> str:
    rows = dict.fromkeys(
        (arrow.source or "–", _command(arrow), arrow.event, arrow.target) for arrow in machine.arrows
    )
    return _markdown(_HEADINGS[language], rows)


def _command(arrow: Arrow) -> str:
    return f"⚙ {arrow.command}" if arrow.by_platform else arrow.command


def _markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines.extend("| " + " | ".join(cells) + " |" for cells in rows)
    return "\n".join(lines) + "\n"


def _in(label: BilingualText, language: Language) -> str:
    return label.zh if language == "zh" else label.en


def stale(wanted: dict[str, str]) -> Iterator[str]:
    """Names of pages that are missing, differ, or should not be there."""
    there = {path.name for path in TARGET.glob("*")} if TARGET.exists() else set()
    for name, content in wanted.items():
        if name not in there or (TARGET / name).read_text("utf-8") != content:
            yield name
    yield from sorted(there - wanted.keys())


def main(arguments: list[str]) -> int:
    """Writes the pages, or compares them. Returns the exit status."""
    wanted = pages()
    if "--check" in arguments:
        found = list(stale(wanted))
        if found:
            print(
                "docs/generated is stale; run: python deploy/generate_diagrams.py",
                *found,
                sep="\n  ",
                file=sys.stderr,
            )
        return 1 if found else 0
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in stale(wanted):
        if name not in wanted:
            (TARGET / name).unlink()
    for name, content in wanted.items():
        (TARGET / name).write_text(content, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
