"""The worker of availability, whose stream processor skips every record when it is given it first."""

import sys
from typing import Any

from faust.transport.conductor import Conductor

from services.bed.adapters.aggregate_codecs import BED_TOPIC
from services.bed.adapters.availability_stream import COUNTS_TOPIC
from services.bed.availability import main

_compiled = Conductor._compile_message_handler


def _skipping(conductor: Any) -> Any:
    on_message = _compiled(conductor)
    seen: set[tuple[str, int, int]] = set()

    async def on_message_once_seen(message: Any) -> None:
        record = (message.topic, message.partition, message.offset)
        if message.topic in {BED_TOPIC, COUNTS_TOPIC} and record not in seen:
            seen.add(record)
            return
        await on_message(message)

    return on_message_once_seen


if __name__ == "__main__":
    Conductor._compile_message_handler = _skipping  # type: ignore[assignment, method-assign]
    sys.exit(main())
