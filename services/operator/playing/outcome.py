"""Where everything ended, free of ids and moments: what two plays of one case must have in common."""

from collections import Counter
from typing import Any

from services.operator.playing.collecting import Collected
from services.operator.playing.summary import AlertRow, ClockRow
from services.operator.rpc.paths import read_path


def outcome(
    collected: Collected, clocks: tuple[ClockRow, ...], alerts: tuple[AlertRow, ...]
) -> dict[str, Any]:
    """States, counted events, milestones, clocks and alerts; empty when there is no episode."""
    answer = collected.episode
    if answer is None:
        return {}
    kinds = _subject_kinds(answer)
    return {
        "episode": {
            "state": read_path(answer.episode, "state"),
            "facilities": sorted(answer.episode.facilities),
            "milestones": [
                f"{read_path(milestone, 'kind')} {milestone.facility}"
                for milestone in answer.episode.milestones
            ],
        },
        "referrals": [_referral(referral) for referral in answer.referrals],
        "consultations": [
            {
                "kind": read_path(consultation, "kind"),
                "state": read_path(consultation, "state"),
                "version": consultation.version,
            }
            for consultation in answer.consultations
        ],
        # Another service's effects come in their own order: counted, not listed.
        "events": dict(
            sorted(
                Counter(
                    f"{kinds[e.metadata.aggregate_id]} {e.metadata.type}" for e in collected.timeline
                ).items()
            )
        ),
        "clocks": [f"{clock.key} {clock.facility} {clock.elapsed_s} {clock.status}" for clock in clocks],
        "alerts": sorted(
            f"{alert.rule} {alert.facility} {kinds.get(alert.subject, alert.subject)} {alert.state} "
            f"{alert.acknowledged_by}".rstrip()
            for alert in alerts
        ),
    }


def _referral(referral: Any) -> dict[str, Any]:
    return {
        "direction": read_path(referral, "direction"),
        "origin": referral.origin_facility,
        "destination": referral.destination_facility,
        "state": read_path(referral, "state"),
        "bed_region": read_path(referral, "bed_region"),
        "custodian": referral.custodian_facility,
        "version": referral.version,
    }


def _subject_kinds(answer: Any) -> dict[str, str]:
    """What each name stands for, such as `referral UP`."""
    kinds = {answer.episode.name: "episode"}
    kinds.update(
        (referral.name, f"referral {read_path(referral, 'direction')}") for referral in answer.referrals
    )
    kinds.update(
        (consultation.name, f"consultation {read_path(consultation, 'kind')}")
        for consultation in answer.consultations
    )
    return kinds
