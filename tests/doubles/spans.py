"""Spans as they are recorded, kept in memory."""

from services.shared.telemetry.tracing import FinishedSpan


class Kept:
    """A recorder that keeps what it is given."""

    def __init__(self) -> None:
        self.spans: list[FinishedSpan] = []

    def record(self, span: FinishedSpan) -> None:
        self.spans.append(span)
