"""One JSON document on standard output, and nothing else."""

import json
import sys
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message


def print_json(document: Any) -> None:
    """Indented, with Chinese as it is."""
    sys.stdout.write(f"{json.dumps(document, ensure_ascii=False, indent=2)}\n")


def message_document(message: Message, *, is_whole: bool = False) -> dict[str, Any]:
    """By the names of the contract; with `is_whole` the fields that are empty too."""
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=is_whole
    )
