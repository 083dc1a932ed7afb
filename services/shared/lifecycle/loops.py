"""The loops that a service adds to its foundation, wired to it."""

from services.shared.deadlines.metrics import DeadlineMetrics
from services.shared.deadlines.traced import traced as traced_fire
from services.shared.deadlines.worker import DeadlineSettings, DeadlineWorker, Fire
from services.shared.inbox.consumer import ConsumerSettings, EventConsumer
from services.shared.inbox.handling import Handler
from services.shared.inbox.metrics import InboxMetrics
from services.shared.inbox.traced import traced as traced_handler
from services.shared.lifecycle.deadline_origin import origin_in
from services.shared.lifecycle.foundation import Foundation
from services.shared.lifecycle.process import Loop
from services.shared.lifecycle.settings import Part


def consumer_loops(foundation: Foundation, handler: Handler, settings: ConsumerSettings) -> tuple[Loop, ...]:
    """The consumer, in a process whose part it is."""
    if Part.CONSUMER not in foundation.parts:
        return ()
    metrics = InboxMetrics(foundation.registry)
    if foundation.tracer is not None:
        handler = traced_handler(handler, foundation.tracer, settings.group)
    return (EventConsumer(foundation.reading, foundation.kafka, handler, settings, metrics),)


def deadline_loops(foundation: Foundation, fire: Fire) -> tuple[Loop, ...]:
    """The deadline worker, in a process whose part it is, woken by this process's appends."""
    if Part.DEADLINES not in foundation.parts:
        return ()
    if foundation.tracer is not None:
        fire = traced_fire(fire, foundation.tracer, origin_in(foundation.store))
    worker = DeadlineWorker(
        foundation.reading, fire, DeadlineMetrics(foundation.registry), DeadlineSettings()
    )
    foundation.on_appended(worker.appended)
    return (worker,)
