"""A summary as one JSON document."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from services.operator.casefile.model import CommandStep, Step, rpc_name
from services.operator.casefile.variables import format_offset
from services.operator.playing.results import StepResult
from services.operator.playing.summary import AuditVerdict, Summary
from services.operator.report.next_steps import NextStep
from services.operator.verification.findings import Verification


def document(summary: Summary, next_steps: Sequence[NextStep]) -> dict[str, Any]:
    """Everything that the text report shows, for programs. Moments are RFC 3339, spans end in their unit."""
    case = summary.case
    whole: dict[str, Any] = plain(
        {
            "case": {
                "id": case.id,
                "title": case.title,
                "source": case.source,
                "file": str(case.path),
                "started_at": summary.started_at,
                "ended_at": summary.ended_at,
            },
            "ok": summary.is_ok,
            "took_s": round(summary.took_s, 3),
            "steps": [_step(result) for result in summary.steps],
            "variables": dict(summary.variables),
            "timeline": [asdict(row) for row in summary.timeline],
            "clocks": [asdict(row) for row in summary.clocks],
            "alerts": [asdict(row) for row in summary.alerts],
            "audit": _audit(summary.audit),
            "outcome": dict(summary.outcome),
            "shortcomings": [asdict(each) for each in summary.shortcomings],
            "next": [asdict(step) for step in next_steps],
        }
    )
    return whole


def verification_document(verification: Verification) -> dict[str, Any]:
    """One verifier's verdict."""
    return {
        "verified_by": verification.verified_by,
        "intact": verification.is_intact,
        "aggregates_count": verification.aggregates_count,
        "events_count": verification.events_count,
        "findings": [asdict(finding) for finding in verification.findings],
    }


def plain(value: Any) -> Any:
    """The same in what JSON has: data classes as objects, moments as RFC 3339."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if hasattr(value, "__dataclass_fields__"):
        return plain(asdict(value))
    return value


def _step(result: StepResult) -> dict[str, Any]:
    step: Step = result.step
    return {
        "number": step.number,
        "id": step.id,
        "line": step.line,
        "kind": type(step).__name__.removesuffix("Step").lower(),
        "rpc": rpc_name(step),
        "is_command": isinstance(step, CommandStep) and step.method.is_command,
        "who": step.who,
        "at": format_offset(step.at),
        "occurred_at": result.occurred_at,
        "text": step.text,
        "synthetic": step.synthetic,
        "ok": result.is_ok,
        "latency_ms": round(result.latency_ms, 3),
        "attempts": result.attempts,
        "error": result.error,
    }


def _audit(audit: AuditVerdict | None) -> dict[str, Any] | None:
    if audit is None:
        return None
    return {
        "intact": audit.is_intact,
        "services": [verification_document(each) for each in audit.services],
        "local": verification_document(audit.local),
    }
