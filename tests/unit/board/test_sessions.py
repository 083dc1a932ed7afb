"""Sessions in cookies: nobody reads, forges or revives one."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.board.adapters.cookie_seal import CookieSeal, SealKeyError, read_seal
from services.board.application.sessions import Sessions, TokenTooLong
from services.shared.kernel.actor import Actor, Role

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
TOKEN_END = NOW + timedelta(hours=2)
PERSON = Actor(user="jg-stroke", name="值班医师", facility="jimsar-general", roles=(Role.CLINICIAN,))
KEY = bytes(range(32))


def _sessions(key: bytes = KEY, **options: int) -> Sessions:
    return Sessions(CookieSeal(key), **{"lifetime_s": 12 * 3600, "closed_max": 2, **options})


def test_a_session_comes_back_from_its_cookie_also_in_another_process() -> None:
    session = _sessions().open(PERSON, "token", now=NOW, token_expires_at=TOKEN_END)
    assert _sessions().find(_sessions().cookie_of(session), now=NOW) == session


def test_a_cookie_tells_nothing_of_what_is_in_it() -> None:
    sessions = _sessions()
    session = sessions.open(PERSON, "the-token", now=NOW, token_expires_at=TOKEN_END)
    cookie = sessions.cookie_of(session)
    raw = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
    for secret in (session.token, session.csrf_token, PERSON.user):
        assert secret.encode() not in raw
    assert "the-token" not in repr(session)
    assert session.csrf_token not in repr(session)


def test_no_altered_cookie_and_none_of_another_key_is_a_session() -> None:
    sessions = _sessions()
    cookie = sessions.cookie_of(sessions.open(PERSON, "t", now=NOW, token_expires_at=TOKEN_END))
    for position in range(len(cookie)):
        other = "A" if cookie[position] != "A" else "B"
        altered = cookie[:position] + other + cookie[position + 1 :]
        found = sessions.find(altered, now=NOW)
        # The last sign has bits that stand for nothing.
        assert found is None or position == len(cookie) - 1
    assert _sessions(bytes(32)).find(cookie, now=NOW) is None
    for nonsense in ("", "x", "%", "é", "A" * 5000):
        assert sessions.find(nonsense, now=NOW) is None


def test_a_session_ends_with_its_time_or_its_token_whichever_comes_first() -> None:
    short = _sessions(lifetime_s=60)
    session = short.open(PERSON, "t", now=NOW, token_expires_at=TOKEN_END)
    cookie = short.cookie_of(session)
    assert short.find(cookie, now=NOW + timedelta(seconds=59)) is not None
    assert short.find(cookie, now=NOW + timedelta(seconds=60)) is None
    long = _sessions()
    assert long.open(PERSON, "t", now=NOW, token_expires_at=TOKEN_END).expires_at == TOKEN_END


def test_a_closed_session_stays_closed_and_what_is_remembered_is_bounded() -> None:
    sessions = _sessions()
    opened = [sessions.open(PERSON, "t", now=NOW, token_expires_at=TOKEN_END) for _ in range(3)]
    sessions.close(opened[0])
    assert sessions.find(sessions.cookie_of(opened[0]), now=NOW) is None
    assert sessions.find(sessions.cookie_of(opened[1]), now=NOW) is not None
    sessions.close(opened[1])
    sessions.close(opened[2])
    assert [sessions.is_open(each, now=NOW) for each in opened] == [True, False, False]


def test_each_signing_in_draws_another_id_and_another_secret() -> None:
    sessions = _sessions()
    one, other = (sessions.open(PERSON, "t", now=NOW, token_expires_at=TOKEN_END) for _ in range(2))
    assert one.id != other.id
    assert one.csrf_token != other.csrf_token


def test_a_token_that_fits_no_cookie_is_refused() -> None:
    sessions = _sessions()
    session = sessions.open(PERSON, "t" * 4000, now=NOW, token_expires_at=TOKEN_END)
    with pytest.raises(TokenTooLong):
        sessions.cookie_of(session)


@pytest.mark.parametrize("content", [b"", b"too short", base64.b64encode(bytes(31)), b"\xff" * 44])
def test_a_key_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(SealKeyError):
        read_seal(path)
    with pytest.raises(SealKeyError):
        read_seal(tmp_path / "missing")


def test_the_key_of_a_file_opens_what_it_sealed(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(base64.b64encode(KEY) + b"\n")
    assert read_seal(path).open(read_seal(path).close(b"content")) == b"content"
    assert read_seal(None).open(read_seal(None).close(b"content")) is None
