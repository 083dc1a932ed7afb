"""The difference between a directory file and the directory in force, as a table and as a document."""

from typing import Any

from rich.console import Console
from rich.table import Table

from services.operator.report.consoles import open_console
from services.operator.rpc.values import short_name
from services.operator.texts import Language, say, shown
from services.shared.kernel.text import BilingualText
from tierlink.referral.v1 import directory_service_pb2

_CHANGE = directory_service_pb2.DirectoryChange.DESCRIPTOR
_KIND: Any = _CHANGE.fields_by_name["kind"].enum_type
_ACTION: Any = _CHANGE.fields_by_name["action"].enum_type


def print_difference(
    answer: directory_service_pb2.ApplyDirectoryResponse, language: Language, *, is_applied: bool
) -> None:
    """The table, without colours: it is read in logs and change requests as well."""
    wide = open_console()
    # Paths have square brackets, which are no markup.
    console = Console(width=wide.width, no_color=True, highlight=False, markup=False)
    if not answer.changes:
        console.print(say("directory.same", language, version=answer.version))
        return
    table = Table(title=None, show_lines=False)
    for column in ("action", "kind", "id", "name", "difference"):
        table.add_column(say(f"column.{column}", language), overflow="fold")
    for change in answer.changes:
        table.add_row(
            say(f"directory.{short_name(_ACTION, change.action)}", language),
            say(f"directory.{short_name(_KIND, change.kind)}", language),
            change.id,
            shown(BilingualText(zh=change.name.zh, en=change.name.en), language),
            "\n".join(f"{each.field}: {each.before or '–'} → {each.after or '–'}" for each in change.fields),
        )
    console.print(table)
    counts = {
        "added": len(answer.added),
        "changed": len(answer.changed),
        "removed": len(answer.removed),
        "version": answer.version,
    }
    console.print(say("directory.applied" if is_applied else "directory.differs", language, **counts))


def difference_document(answer: directory_service_pb2.ApplyDirectoryResponse) -> dict[str, Any]:
    """The same for programs."""
    return {
        "version": answer.version,
        "changes": [
            {
                "action": short_name(_ACTION, change.action),
                "kind": short_name(_KIND, change.kind),
                "id": change.id,
                "name": {"zh": change.name.zh, "en": change.name.en},
                "fields": [
                    {"field": each.field, "before": each.before, "after": each.after}
                    for each in change.fields
                ],
            }
            for change in answer.changes
        ],
    }
