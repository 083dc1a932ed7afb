"""A summary as tables for a terminal."""

from collections.abc import Iterable, Sequence
from statistics import median

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from services.operator.casefile.model import CommandStep
from services.operator.playing.summary import AlertRow, AuditVerdict, ClockRow, Summary, TimelineRow
from services.operator.report.formats import local_time, milliseconds, span
from services.operator.report.next_steps import NextStep
from services.operator.texts import Language, say, shown
from services.operator.verification.findings import Verification

_STATUS_STYLES = {"MET": "green", "MISSED": "bold red", "RUNNING": "yellow"}
#: What a verifier that is no service is called.
_VERIFIERS = {"local": "audit.local", "checkpoint": "audit.checkpoint"}
_SEVERITY_STYLES = {"CRITICAL": "bold red", "HIGH": "yellow", "INFORMATION": "dim"}


class Tables:
    """Prints a summary on a console, in one language or both."""

    def __init__(self, console: Console, language: Language) -> None:
        self._console = console
        self._language = language

    def summary(self, summary: Summary, next_steps: Sequence[NextStep]) -> None:
        """The whole report: timeline, clocks, alerts, audit, verdict, what to do next."""
        if summary.timeline:
            self.timeline(summary.timeline, summary.case.utc_offset_minutes)
        if summary.clocks:
            self._clocks(summary.clocks)
        if summary.alerts:
            self._alerts(summary.alerts)
        if summary.audit is not None:
            self.audit(summary.audit)
        self._verdict(summary)
        if summary.is_ok:
            self.next(next_steps)

    def timeline(self, rows: Sequence[TimelineRow], utc_offset_minutes: int) -> None:
        """Time, tier, facility, actor, event."""
        table = self._table("report.timeline", "time", "tier", "facility", "actor", "event")
        start = min((row.occurred_at for row in rows), default=None)
        for row in rows:
            assert start is not None, "there is a row"
            tier = say(f"tier.{row.level}", self._language) if row.level else ""
            table.add_row(
                local_time(row.occurred_at, utc_offset_minutes, start),
                tier,
                shown(row.facility_name, self._language, separator="\n"),
                self._actor(row),
                self._event(row),
            )
        self._console.print(table)

    def audit(self, audit: AuditVerdict) -> None:
        """Who verified what, and every finding."""
        self.verifications((*audit.services, audit.local))

    def verifications(self, verifications: Iterable[Verification]) -> None:
        """Verdicts of any verifiers."""
        table = self._table("report.audit", "verified_by", "aggregates", "events", "findings")
        for each in verifications:
            name = _VERIFIERS.get(each.verified_by.partition(" ")[0], "audit.service")
            verdict = (
                Text(f"✓ {say('audit.intact', self._language)}", style="green")
                if each.is_intact
                else Text(
                    f"✗ {say('audit.findings', self._language, count=len(each.findings))}", style="bold red"
                )
            )
            table.add_row(
                say(name, self._language, name=each.verified_by.removeprefix("checkpoint ")),
                str(each.aggregates_count),
                str(each.events_count),
                verdict,
            )
            for finding in each.findings:
                where = f"  {finding.aggregate}@{finding.version}"
                table.add_row(where, "", "", Text(f"{finding.code}: {finding.description}", style="red"))
        self._console.print(table)

    def next(self, steps: Sequence[NextStep], title: str = "report.next") -> None:
        """Commands to type, unwrapped so that they can be copied."""
        self._console.print(f"\n[bold]{say(title, self._language)}[/bold]")
        for step in steps:
            self._console.print(Text(f"  # {shown(step.text, self._language)}", style="dim"))
            self._console.print(Text(f"  {step.command}"), soft_wrap=True)

    def _clocks(self, rows: Sequence[ClockRow]) -> None:
        table = self._table("report.clocks", "clock", "facility", "elapsed", "target", "status", "source")
        for row in rows:
            target = span(row.target_s)
            if row.stretch_s is not None:
                target += f"\n{say('clock.stretch', self._language, minutes=span(row.stretch_s))}"
            table.add_row(
                shown(row.label, self._language),
                shown(row.facility_name, self._language, separator="\n") if row.facility else "",
                span(row.elapsed_s),
                target,
                Text(say(f"clock.{row.status}", self._language), style=_STATUS_STYLES[row.status]),
                f"{shown(row.source, self._language)} ({row.confidence})",
            )
        self._console.print(table)

    def _alerts(self, rows: Sequence[AlertRow]) -> None:
        columns = ("alert", "facility", "acknowledged_by", "response", "delivery", "state")
        table = self._table("report.alerts", *columns)
        for row in rows:
            title = Text(shown(row.title, self._language), style=_SEVERITY_STYLES.get(row.severity, ""))
            table.add_row(
                title + Text(f"\n{row.rule}", style="dim"),
                shown(row.facility_name, self._language, separator="\n"),
                row.acknowledged_by_name or "–",
                span(row.response_s),
                milliseconds(row.delivery_ms),
                say(f"alert.{row.state}", self._language),
            )
        self._console.print(table)

    def _verdict(self, summary: Summary) -> None:
        commands = [
            result.latency_ms
            for result in summary.steps
            if isinstance(result.step, CommandStep) and result.step.method.is_command
        ]
        took = say(
            "report.took",
            self._language,
            steps=len(summary.steps),
            seconds=f"{summary.took_s:.1f}",
            median=f"{median(commands or [0.0]):.0f}",
        )
        if summary.is_ok:
            headline = say(
                "report.verdict_ok",
                self._language,
                steps=len(summary.steps),
                events=len(summary.timeline),
                clocks=len(summary.clocks),
                alerts=len(summary.alerts),
            )
            self._console.print(Panel(f"✓ {headline}\n{took}", border_style="green"))
            return
        lines = Text(
            f"✗ {say('report.verdict_bad', self._language, count=len(summary.shortcomings))}\n", style="bold"
        )
        for each in summary.shortcomings:
            kind = say(f"kind.{each.kind}", self._language)
            lines.append(f"\n{kind} {each.where}: {shown(each.text, self._language)}")
        self._console.print(Panel(lines, border_style="bold red", style="red"))

    def _event(self, row: TimelineRow) -> Text:
        event = Text(shown(row.text, self._language))
        detail = shown(row.detail, self._language)
        if detail:
            event.append(f": {detail}", style="bold")
        return event.append(f"  {row.type}", style="dim")

    def _actor(self, row: TimelineRow) -> str:
        if "system" in row.actor_roles:
            return say("actor.system", self._language)
        return row.actor_name or row.actor_user

    def _table(self, title: str, *columns: str) -> Table:
        table = Table(
            title=say(title, self._language), title_justify="left", title_style="bold", show_lines=False
        )
        for column in columns:
            table.add_column(say(f"column.{column}", self._language), overflow="fold")
        return table
