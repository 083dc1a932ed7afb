"""Delays grow, are bounded, and begin small again after a success."""

from services.shared.kafka.backoff import Backoff


def test_delays_double_up_to_a_bound_and_start_again() -> None:
    backoff = Backoff(first_s=0.1, last_s=1.0)
    delays = [backoff.next_s() for _ in range(8)]
    for delay_s, whole_s in zip(delays, (0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0), strict=True):
        assert whole_s / 2 <= delay_s <= whole_s
    backoff.reset()
    assert backoff.next_s() <= 0.1
