"""Plays a case from its first step to the verdict."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from services.operator.casefile.model import AlertStep, Case
from services.operator.casefile.variables import UNIQUE, CaseTime, substitute
from services.operator.playing.alert_watch import AlertWatch
from services.operator.playing.collecting import (
    Collected,
    alert_rows,
    clock_rows,
    collect,
    timeline_rows,
    versions,
)
from services.operator.playing.judging import judge
from services.operator.playing.observer import Observer
from services.operator.playing.outcome import outcome
from services.operator.playing.pacing import Pace
from services.operator.playing.results import StepResult
from services.operator.playing.site_setup import SiteSetup
from services.operator.playing.stage import Stage
from services.operator.playing.steps import take
from services.operator.playing.summary import AuditVerdict, Summary
from services.operator.rpc.calling import Caller, Patience
from services.operator.rpc.people import OPERATOR, TokenBook
from services.operator.verification.service_audits import verify_services
from services.operator.verification.timeline_chains import verify_timeline
from services.shared.rpc.channels import Addresses, open_channels
from services.shared.rpc.signing import SigningKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """How a case is played."""

    #: None plays as fast as possible; 60 makes a minute of a case's hour
    speed: float | None = None
    patience: Patience = field(default_factory=Patience)


async def play(
    case: Case,
    addresses: Addresses,
    key: SigningKey,
    observer: Observer | None = None,
    terms: Terms | None = None,
) -> Summary:
    """Sets the site up, takes every step, and looks up what came of it.

    The people's tokens are signed with `key`, which the services must trust. A step that fails ends the case;
    the summary says what is not as it must be. Raises CallFailed or SiteTaken when the site cannot be set up
    or the result cannot be looked up.
    """
    watcher = observer or Observer()
    chosen = terms or Terms()
    tokens = TokenBook(key)
    async with open_channels(addresses) as channels:
        caller = Caller(channels, patience=chosen.patience, on_retry=watcher.on_retry)
        await SiteSetup(caller, tokens).apply(case.site)
        stage = _set_stage(case, caller, tokens)
        async with _open_watches(stage):
            await watcher.on_start(case)
            begun_s = time.monotonic()
            results = await _take_steps(stage, watcher, chosen)
            took_s = time.monotonic() - begun_s
            await watcher.on_end()
            return await _summarise(stage, results, took_s)


def _set_stage(case: Case, caller: Caller, tokens: TokenBook) -> Stage:
    # The case ends now, so that nothing in it lies in the future.
    start = datetime.now(UTC).replace(microsecond=0) - case.duration
    case_time = CaseTime(start=start, utc_offset_minutes=case.utc_offset_minutes)
    variables = {UNIQUE: uuid4().hex[:12]}
    for name, value in case.variables.items():
        variables[name] = substitute(value, variables, case_time)
    return Stage(case=case, time=case_time, caller=caller, tokens=tokens, variables=variables)


@asynccontextmanager
async def _open_watches(stage: Stage) -> AsyncIterator[None]:
    """Opens the alert stream of everybody who waits for an alert, for the time of the block."""
    waiting = dict.fromkeys(step.who for step in stage.case.steps if isinstance(step, AlertStep))
    for who in waiting:
        stage.watches[who] = AlertWatch(stage.caller, stage.tokens, stage.case.site.people[who])
    tasks = [
        asyncio.create_task(watch.run(), name=f"alerts of {who}") for who, watch in stage.watches.items()
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def _take_steps(stage: Stage, observer: Observer, terms: Terms) -> tuple[StepResult, ...]:
    steps = stage.case.steps
    pace = Pace(terms.speed, steps[0].at)
    results: list[StepResult] = []
    for step in steps:
        await pace.reach(step.at)
        await observer.on_step(step)
        result = await take(step, stage)
        results.append(result)
        await observer.on_step_done(result)
        if not result.is_ok:
            break
    return tuple(results)


async def _summarise(stage: Stage, results: tuple[StepResult, ...], took_s: float) -> Summary:
    case = stage.case
    is_finished = len(results) == len(case.steps) and all(result.is_ok for result in results)
    collected = await collect(stage, is_finished=is_finished)
    directory = case.site.directory
    clocks = clock_rows(collected.episode.episode.clocks, directory) if collected.episode else ()
    alerts = alert_rows(collected.alerts, stage.deliveries, directory)
    audit = await _verify(stage, collected)
    return Summary(
        case=case,
        started_at=stage.time.start,
        ended_at=stage.time.at(case.duration),
        took_s=took_s,
        steps=results,
        variables=dict(stage.variables),
        timeline=timeline_rows(collected.timeline),
        clocks=clocks,
        alerts=alerts,
        audit=audit,
        outcome=outcome(collected, clocks, alerts),
        shortcomings=tuple(judge(stage, results, clocks, alerts, audit)),
    )


async def _verify(stage: Stage, collected: Collected) -> AuditVerdict:
    services = await verify_services(stage.caller, stage.tokens.token(OPERATOR))
    known = versions(collected) if collected.timeline else {}
    return AuditVerdict(services=services, local=verify_timeline(collected.timeline, known))
