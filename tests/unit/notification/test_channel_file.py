"""What a faulty file of channels is told, and what never shows."""

from pathlib import Path

import pytest

from services.notification.adapters.channels.channel_file import ChannelsFileError
from tests.unit.notification.channel_kit import channels_of, parcel


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("channels: {a: {type: signed_webhook, url: 'http://x', secret: plain}}", "must come from"),
        ("channels: {a: {type: apprise, url: 'wecombot://693axxx6'}}", "must come from"),
        ("channels: {a: {type: apprise, url: 'json://u:secret@host/'}}", "password must come from"),
        ("channels: {a: {type: apprise, url: 'json://${PATH}/'}}", "not a channel's variable"),
        ("channels: {a: {type: apprise, url: 'json://${TIERLINK_CHANNEL_NONE}/'}}", "environment has no"),
        ("channels: {a: {type: apprise, url: 'nosuchscheme://x'}}", "does not understand"),
        ("channels: {a: {type: apprise, url: 'mailto://x?to={address}'}}", "kind of contact point"),
        ("channels: {stream: {type: signed_webhook, url: 'http://x'}}", "name is taken"),
        ("channels: {a: {type: signed_webhook, url: 'http://x', timout_s: 1}}", "timout_s"),
        ("channels: {a: {type: signed_webhook}}", "url is empty"),
        ("channels: {a: {type: pigeon}}", "pigeon"),
        ("- no", "object"),
    ],
)
def test_a_faulty_file_is_refused_with_its_fault(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ChannelsFileError, match=fault):
        channels_of(tmp_path, text)


def test_no_secret_shows_in_what_is_logged() -> None:
    shown = repr(parcel(address="+8613900000001", secret="s3cret"))
    assert "1390000" not in shown
    assert "s3cret" not in shown
