"""Events of the trail as HL7 FHIR R4 AuditEvent resources, for archives that take those."""

from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from tierlink.referral.v1 import timeline_pb2

#: What is about one patient; the rest is about the platform.
_PATIENT_RECORD = ("110110", "Patient Record")
_APPLICATION = ("110100", "Application Activity")
_KINDS_OF_PATIENTS = frozenset({"referral", "episode", "consultation", "standing_order", "alert"})
_DICOM = "http://dicom.nlm.nih.gov/resources/ontology/DCM"


def audit_event(entry: timeline_pb2.TimelineEntry) -> dict[str, Any]:
    """One event as an AuditEvent (http://hl7.org/fhir/R4/auditevent.html); no patient is named in it."""
    metadata = entry.metadata
    code, display = _PATIENT_RECORD if entry.aggregate_kind in _KINDS_OF_PATIENTS else _APPLICATION
    who: dict[str, Any] = {"identifier": {"value": metadata.actor.user}}
    if metadata.actor.name:
        who["display"] = metadata.actor.name
    agent: dict[str, Any] = {"who": who, "requestor": True}
    if metadata.actor.roles:
        agent["role"] = [{"text": role} for role in metadata.actor.roles]
    if metadata.actor.facility:
        agent["location"] = {"identifier": {"value": metadata.actor.facility}}
    return {
        "resourceType": "AuditEvent",
        "id": metadata.event_id,
        "type": {"system": _DICOM, "code": code, "display": display},
        "subtype": [{"system": "urn:tierlink:event", "code": metadata.type}],
        "action": "C" if metadata.version == 1 else "U",
        "period": {"start": instant(metadata.occurred_at), "end": instant(metadata.occurred_at)},
        "recorded": instant(metadata.recorded_at),
        "outcome": "0",
        "agent": [agent],
        "source": {"observer": {"display": "Tierlink"}},
        "entity": [
            {
                "what": {"identifier": {"system": "urn:tierlink:aggregate", "value": metadata.aggregate_id}},
                "detail": [
                    {"type": "version", "valueString": str(metadata.version)},
                    {"type": "request", "valueString": metadata.request_id},
                    {"type": "sha256", "valueString": entry.hash.hex()},
                ],
            }
        ],
    }


def instant(moment: Timestamp) -> str:
    """As FHIR writes moments: RFC 3339, UTC."""
    return moment.ToJsonString()
