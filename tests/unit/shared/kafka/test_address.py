"""How clients of Kafka are told to speak to it."""

import ssl
from pathlib import Path

import pytest

from services.shared.kafka.address import KafkaAddress, tls_context
from services.shared.lifecycle.settings import ServiceSettings


def test_plain_text_is_the_default() -> None:
    assert KafkaAddress(bootstrap="k:1").client_options("me") == {
        "bootstrap_servers": "k:1",
        "client_id": "me",
        "security_protocol": "PLAINTEXT",
    }


@pytest.mark.parametrize(
    ("has_tls", "user", "protocol"),
    [(True, "", "SSL"), (False, "u", "SASL_PLAINTEXT"), (True, "u", "SASL_SSL")],
)
def test_the_protocol_says_what_is_given(has_tls: bool, user: str, protocol: str) -> None:
    context = ssl.create_default_context() if has_tls else None
    address = KafkaAddress(bootstrap="k:1", ssl_context=context, user=user, password="secret")
    options = address.client_options("me")
    assert options["security_protocol"] == protocol
    assert options.get("ssl_context") is context
    assert options.get("sasl_plain_password") == ("secret" if user else None)
    assert options.get("sasl_mechanism") == ("SCRAM-SHA-512" if user else None)
    assert "secret" not in repr(address)


def test_settings_make_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERLINK_KAFKA_TLS", "true")
    monkeypatch.setenv("TIERLINK_KAFKA_USER", "tierlink")
    monkeypatch.setenv("TIERLINK_KAFKA_PASSWORD", "hidden")
    settings = ServiceSettings()
    assert "hidden" not in repr(settings)
    assert settings.kafka().client_options("me")["security_protocol"] == "SASL_SSL"


def test_a_file_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        tls_context(tmp_path / "nothing.pem", None, None)
