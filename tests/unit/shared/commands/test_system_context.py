"""When what nobody typed is recorded."""

from datetime import UTC, datetime, timedelta

from services.shared.commands.system_context import deadline_context
from services.shared.deadlines.worker import DueDeadline
from services.shared.kernel.actor import system_actor


def due(at: datetime) -> DueDeadline:
    return DueDeadline(stream_id="alerts/1", kind="alert", key="escalate", due_at=at, set_version=3)


def test_a_deadline_is_recorded_now_and_happened_when_it_was_due() -> None:
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    context = deadline_context(due(an_hour_ago), system_actor("notification"))
    assert context.occurred_at == an_hour_ago
    assert datetime.now(UTC) - context.recorded_at < timedelta(seconds=5)


def test_a_process_whose_clock_is_behind_the_database_s_meets_the_deadline_all_the_same() -> None:
    ahead = datetime.now(UTC) + timedelta(seconds=30)
    assert deadline_context(due(ahead), system_actor("notification")).recorded_at == ahead
