"""What is long over is forgotten by bounded passes: nothing of an open alert, and nothing of the trail."""

from datetime import timedelta
from pathlib import Path

import asyncpg

from services.notification.adapters.delivery_retention import DeliveryRetention
from tests.doubles.gateway import running_gateway
from tests.integration.messaging import opened
from tests.integration.notification_site import call_for, notification_site
from tests.stack import SharedStack

OLD = "UPDATE deliveries SET called_at = called_at - interval '7 months' WHERE alert = ANY($1::text[])"
COUNTS = """
SELECT (SELECT count(*) FROM deliveries WHERE alert = $1) AS deliveries,
       (SELECT count(*) FROM delivery_attempts a JOIN deliveries d ON d.id = a.delivery
        WHERE d.alert = $1) AS attempts,
       (SELECT count(*) FROM answer_links WHERE alert = $1) AS links,
       (SELECT count(*) FROM events WHERE stream_id = $1) AS events
"""
LINK = """
INSERT INTO answer_links (nonce, delivery, alert, recipient, recipient_name, facility, actions, language,
                          expires_at)
SELECT decode(md5(id::text), 'hex'), id, alert, recipient, recipient, '', '{}', 'zh', now() + $2::interval
FROM deliveries WHERE alert = $1
"""


async def counts(connection: asyncpg.Connection, alert: str) -> tuple[int, int, int, int]:
    row = await connection.fetchrow(COUNTS, alert)
    assert row is not None
    return tuple(row)


async def test_what_is_long_over_goes_in_bounded_passes_and_the_trail_stays(
    stack: SharedStack, tmp_path: Path
) -> None:
    async with running_gateway() as gateway, notification_site(stack, tmp_path, gateway) as site:
        names = [await site.trigger(call_for("dr-li", "dr-wang")) for _ in range(4)]
        for name in names:
            await site.until_state(name, "SENT")
        over, young, still_open, linked = names
        for name in (over, young, linked):
            await site.resolve(name)
        connection = await asyncpg.connect(site.dsn)
        try:
            await connection.execute(OLD, [over, still_open, linked])
            await connection.execute(LINK, over, -timedelta(days=1))
            await connection.execute(LINK, linked, timedelta(days=1))
            before = {name: await counts(connection, name) for name in names}
            assert before[over][:3] == (2, 2, 2)
            async with opened(site.dsn) as database:
                retention = DeliveryRetention(database, months=6)
                assert [await retention.forget(limit=1) for _ in range(3)] == [1, 1, 0]
                kept = DeliveryRetention(database, months=8)
                assert await kept.forget() == 0
            assert (await counts(connection, over))[:3] == (0, 0, 0)
            assert (await counts(connection, over))[3] == before[over][3], "the events say who was called"
            for name in (young, still_open, linked):
                assert await counts(connection, name) == before[name]
        finally:
            await connection.close()
