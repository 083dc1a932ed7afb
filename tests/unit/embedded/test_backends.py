"""Where the tests' servers come from."""

from __future__ import annotations

import pytest

from tests import stack_backends
from tests.stack_backends import DockerBackend, EmbeddedBackend, GivenBackend, StartedStack, choose_backend

_GIVEN = {
    "TIERLINK_TEST_KAFKA_BOOTSTRAP": "kafka:9092",
    "TIERLINK_TEST_POSTGRES_DSN": "postgresql://a@b/c",
}


@pytest.fixture(autouse=True)
def docker_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a Docker engine, whatever this one has."""
    monkeypatch.setattr(stack_backends, "_docker_answers", lambda _: True)


def test_given_servers_come_first() -> None:
    backend = choose_backend(_GIVEN)
    assert isinstance(backend, GivenBackend)
    started = backend.start()
    assert (started.kafka_bootstrap, started.postgres_dsn) == ("kafka:9092", "postgresql://a@b/c")
    assert started.is_kept


def test_the_products_own_addresses_are_never_used_by_tests() -> None:
    own = {"TIERLINK_KAFKA_BOOTSTRAP": "real:9092", "TIERLINK_REFERRAL_DSN": "postgresql://real/referral"}
    assert not isinstance(choose_backend(own), GivenBackend)


def test_then_docker_then_the_embedded_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose_backend({}), DockerBackend)
    monkeypatch.setattr(stack_backends, "_docker_answers", lambda _: False)
    assert isinstance(choose_backend({}), EmbeddedBackend)


def test_the_choice_can_be_made_by_hand() -> None:
    assert isinstance(choose_backend({**_GIVEN, "TIERLINK_TEST_BACKEND": "embedded"}), EmbeddedBackend)
    assert isinstance(choose_backend({**_GIVEN, "TIERLINK_TEST_BACKEND": "docker"}), DockerBackend)


@pytest.mark.parametrize(
    "environ",
    [
        {"TIERLINK_TEST_BACKEND": "something"},
        {"TIERLINK_TEST_BACKEND": "given"},
        {"TIERLINK_TEST_KAFKA_BOOTSTRAP": "kafka:9092"},
    ],
)
def test_half_a_choice_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="TIERLINK_TEST_"):
        choose_backend(environ)


def _fail(*_: object) -> StartedStack:
    raise RuntimeError("no such image")


def test_an_engine_that_cannot_start_the_servers_does_not_stop_the_tests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    embedded = StartedStack(name="embedded", kafka_bootstrap="k", postgres_dsn="p", stop=lambda: None)
    monkeypatch.setattr(DockerBackend, "_start", _fail)
    monkeypatch.setattr(EmbeddedBackend, "start", lambda _: embedded)
    started = choose_backend({}).start()
    assert started.name == "embedded"
    assert "no such image" in (started.note or "")


def test_docker_that_was_demanded_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DockerBackend, "_start", _fail)
    with pytest.raises(RuntimeError, match="no such image"):
        choose_backend({"TIERLINK_TEST_BACKEND": "docker"}).start()
