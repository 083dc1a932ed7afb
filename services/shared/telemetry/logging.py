"""One shape for every log line of a process, whoever writes it.

Code of this repository logs with `structlog.get_logger(__name__)`; libraries log with `logging`. Both come
out as one JSON object a line on stderr (readable text on a terminal) and both pass the privacy nets.

Each line also carries the fields of `log_context.set_log_fields`. The RPC layer sets trace_id, span_id, rpc,
user and request_id for each call.
"""

import logging
import sys
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from services.shared.telemetry.log_context import log_fields
from services.shared.telemetry.privacy import without_private_fields, without_private_text

_HANDLER_NAME = "tierlink"

Renderer = Callable[[WrappedLogger, str, EventDict], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class LogSettings:
    """How this process logs."""

    #: name of the service, in each line
    service: str
    #: DEBUG, INFO, WARNING, ERROR: the least that this repository's code writes
    level: str = "INFO"
    #: the least that libraries write; they are chatty at INFO
    library_level: str = "WARNING"
    #: `auto` is readable text on a terminal and JSON elsewhere
    format: Literal["auto", "json", "console"] = "auto"


def configure_logging(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Routes structlog, `logging` and `warnings` to `stream` (default: stderr as it is now).

    Called once by a process's entry point; a second call replaces the first. Raises ValueError for an unknown
    level.
    """
    output = stream if stream is not None else sys.stderr
    own_level, library_level = _level(settings.level), _level(settings.library_level)
    console = settings.format == "console" or (settings.format == "auto" and output.isatty())
    render = _private(_console_renderer() if console else _json_renderer)
    shared = _shared_processors(settings.service)

    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(own_level),
        logger_factory=structlog.WriteLoggerFactory(file=output),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    for previous in root.handlers[:]:
        if previous.get_name() == _HANDLER_NAME:
            root.removeHandler(previous)
    handler.set_name(_HANDLER_NAME)
    root.addHandler(handler)
    root.setLevel(library_level)
    logging.captureWarnings(True)


def _shared_processors(service: str) -> list[Processor]:
    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return [
        structlog.contextvars.merge_contextvars,
        _merge_log_fields,
        add_service,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _drop_private_fields,
    ]


def _merge_log_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for key, value in log_fields().items():
        event.setdefault(key, value)
    return event


def _drop_private_fields(
    _logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    # `_record` and `_from_structlog` are ProcessorFormatter's own, for its last step to remove.
    own = {key: event[key] for key in ("_record", "_from_structlog") if key in event}
    return {**without_private_fields({k: v for k, v in event.items() if k not in own}), **own}


def _json_renderer(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _console_renderer() -> Renderer:
    # Tracebacks are already text (format_exc_info), so that the privacy net sees them.
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return lambda logger, method, event: str(renderer(logger, method, event))


def _private(render: Renderer) -> Renderer:
    return lambda logger, method, event: without_private_text(render(logger, method, event))


def _level(name: str) -> int:
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is None:
        raise ValueError(f"unknown log level {name!r}: use DEBUG, INFO, WARNING or ERROR")
    return level
