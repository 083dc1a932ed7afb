"""Targets and summaries of clocks as the contract has them."""

from services.referral.application.summarize_clocks import ClockReport, ClockSummary, ShareSummary
from services.referral.domain.clocks_targets import ClockTarget, ClockTargets, SourcedLimit, SourcedShare
from services.shared.kernel.text import BilingualText
from tierlink.referral.v1 import episode_pb2
from tierlink.referral.v1 import episode_service_pb2 as pb
from tierlink.type.v1 import type_pb2


def report_resource(report: ClockReport) -> pb.SummarizeClocksResponse:
    """Figures where there are data; nothing stands for no data."""
    return pb.SummarizeClocksResponse(
        clocks=[_summary(summary) for summary in report.summaries],
        facilities=report.facilities or (),
        shares=[_share_summary(summary) for summary in report.shares],
    )


def targets_resource(targets: ClockTargets) -> pb.ListClockTargetsResponse:
    """Each value with its source and confidence."""
    return pb.ListClockTargetsResponse(
        clocks=[_target(target) for target in targets.clocks],
        limits=[_limit(limit) for limit in targets.limits],
        shares=[_share(share) for share in targets.shares],
    )


def _summary(summary: ClockSummary) -> episode_pb2.ClockSummary:
    figures = summary.figures
    labels = {reason.code: reason.label for reason in summary.target.exclusions}
    return episode_pb2.ClockSummary(
        target=_target(summary.target),
        count=figures.count,
        mean_s=figures.mean_s,
        median_s=figures.median_s,
        share_met_percent=summary.share_met_percent,
        share_stretch_percent=summary.share_stretch_percent,
        aim_met=summary.aim_met,
        running_count=figures.running_count,
        excluded=[
            # A code that the site's configuration does not have any more stands for itself.
            episode_pb2.ExcludedClocks(
                code=code, label=_text(labels.get(code) or BilingualText(zh=code, en=code)), count=count
            )
            for code, count in figures.excluded.items()
        ],
    )


def _share_summary(summary: ShareSummary) -> episode_pb2.ShareSummary:
    return episode_pb2.ShareSummary(
        share=_share(summary.share),
        count=summary.figures.count,
        met_count=summary.figures.met_count,
        met_percent=summary.met_percent,
        aim_met=summary.aim_met,
        unknown_count=summary.figures.unknown_count,
    )


def _target(target: ClockTarget) -> episode_pb2.ClockTarget:
    return episode_pb2.ClockTarget(
        key=target.key,
        label=_text(target.label),
        pathway=type_pb2.Pathway.Value(f"PATHWAY_{target.pathway.value}"),
        target_s=target.target_s,
        stretch_s=target.stretch_s,
        selected_s=target.selected_s,
        source=_text(target.source),
        confidence=target.confidence.value,
        aim="" if target.aim is None else target.aim.value,
        share_at_least_percent=target.share_at_least_percent,
        exclusions=[
            episode_pb2.ExclusionReason(code=reason.code, label=_text(reason.label))
            for reason in target.exclusions
        ],
    )


def _limit(limit: SourcedLimit) -> episode_pb2.SourcedLimit:
    return episode_pb2.SourcedLimit(
        key=limit.key,
        label=_text(limit.label),
        limit_s=limit.limit_s,
        emergency_s=limit.emergency_s,
        urgent_s=limit.urgent_s,
        source=_text(limit.source),
        confidence=limit.confidence.value,
    )


def _share(share: SourcedShare) -> episode_pb2.SourcedShare:
    mode = "UNSPECIFIED" if share.arrived_by is None else share.arrived_by.value
    return episode_pb2.SourcedShare(
        key=share.key,
        label=_text(share.label),
        pathway=type_pb2.Pathway.Value(f"PATHWAY_{share.pathway.value}"),
        at_least_percent=share.at_least_percent,
        measure="" if share.measure is None else share.measure.value,
        arrived_by=episode_pb2.ArrivalMode.Value(f"ARRIVAL_MODE_{mode}"),
        source=_text(share.source),
        confidence=share.confidence.value,
    )


def _text(text: BilingualText) -> type_pb2.BilingualText:
    return type_pb2.BilingualText(zh=text.zh, en=text.en)
