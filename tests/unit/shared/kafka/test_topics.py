"""A topic's declaration in Kafka's own words."""

from services.shared.kafka.topics import MESSAGE_BYTES_MAX, Cleanup, TopicSpec


def test_events_are_kept_for_ever() -> None:
    settings = TopicSpec(name="t").configuration()
    assert settings["cleanup.policy"] == "delete"
    assert settings["retention.ms"] == settings["retention.bytes"] == "-1"
    assert settings["max.message.bytes"] == str(MESSAGE_BYTES_MAX)


def test_a_compacted_topic_has_no_retention() -> None:
    settings = TopicSpec(name="t", cleanup=Cleanup.COMPACT).configuration()
    assert settings["cleanup.policy"] == "compact"
    assert "retention.ms" not in settings


def test_with_three_replicas_a_write_needs_two() -> None:
    assert TopicSpec(name="t", replicas=3).configuration()["min.insync.replicas"] == "2"
    assert TopicSpec(name="t").configuration()["min.insync.replicas"] == "1"
