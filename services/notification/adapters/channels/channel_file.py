"""Reads the site's channels file. Secrets come from the environment alone."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec
import yaml
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource

from services.notification.adapters.channels.aliyun_call import AliyunAccount, AliyunCaller
from services.notification.adapters.channels.aliyun_receipts import AliyunCallReceipts, AliyunSmsReceipts
from services.notification.adapters.channels.aliyun_sms import SMS_ENDPOINT, AliyunSms
from services.notification.adapters.channels.aliyun_voice import VOICE_ENDPOINT, AliyunVoice
from services.notification.adapters.channels.apprise_channel import AppriseChannel, AppriseMissing
from services.notification.adapters.channels.signed_webhook import SignedWebhook
from services.notification.application.channels import Channel, Receipts, SiteChannel
from services.notification.domain.contact_values import ContactKind
from services.notification.domain.delivery import RetryPolicy
from services.notification.domain.reach import BUILT_IN_CHANNELS, ChannelTraits
from services.notification.domain.values import Severity

#: What a file may name of the environment: nothing that is not a channel's.
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)\}")
_PREFIX = "TIERLINK_CHANNEL_"

#: Schemes of Apprise's whose address is itself the secret.
_ROBOTS = frozenset({"wecombot", "dingtalk", "feishu"})


class ChannelsFileError(ValueError):
    """The channels file cannot be used; the message says why."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file; a misspelt key is a mistake, never silence."""


class _Common(_Entry, frozen=True, kw_only=True):
    #: kind of contact point whose address it needs; left out for a group's robot or a gateway
    contact: ContactKind | None = None
    #: used for everybody who names no channels
    for_everybody: bool = False
    #: comes to the recipient and nobody else; left out: where it needs their contact point
    personal: bool | None = None
    severities: tuple[Severity, ...] = (Severity.CRITICAL, Severity.HIGH)
    language: Literal["zh", "en"] = "zh"
    concurrency: int = 4
    timeout_s: float = 10.0
    attempts_max: int = 5
    retry_first_s: float = 2.0
    retry_max_s: float = 60.0


class _Apprise(_Common, frozen=True, kw_only=True, tag="apprise", tag_field="type"):
    url: str


class _SignedWebhook(_Common, frozen=True, kw_only=True, tag="signed_webhook", tag_field="type"):
    url: str = ""
    secret: str = ""


class _Aliyun(_Common, frozen=True, kw_only=True):
    access_key_id: str
    access_key_secret: str
    #: by language
    templates: dict[str, str]
    #: variable of the template to a value of the message
    variables: dict[str, str]
    region: str = "cn-hangzhou"


class _AliyunSms(_Aliyun, frozen=True, kw_only=True, tag="aliyun_sms", tag_field="type"):
    sign_name: str
    endpoint: str = SMS_ENDPOINT


class _AliyunVoice(_Aliyun, frozen=True, kw_only=True, tag="aliyun_voice", tag_field="type"):
    show_number: str = ""
    endpoint: str = VOICE_ENDPOINT


_Channel = _Apprise | _SignedWebhook | _AliyunSms | _AliyunVoice

#: What a template may be filled with.
_VALUES = frozenset({"case", "urgency", "pathway", "facility", "minutes", "code"})


class _ChannelsFile(_Entry, frozen=True, kw_only=True):
    channels: dict[str, _Channel]


def channel_environment(settings: type[BaseSettings]) -> dict[str, str]:
    """The variables that settings are read from, in their order: the environment, then `.env`."""
    file = DotEnvSettingsSource(settings, case_sensitive=True).env_vars
    own = EnvSettingsSource(settings, case_sensitive=True).env_vars
    return {name: value for name, value in {**file, **own}.items() if value is not None}


def load_channels(
    path: Path | None, environment: Mapping[str, str], now: Callable[[], datetime]
) -> dict[str, SiteChannel]:
    """The channels of a file by name; none without one. Raises ChannelsFileError."""
    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        content = msgspec.convert(yaml.safe_load(text), _ChannelsFile)
        return {
            name: _site_channel(name, entry, environment, now) for name, entry in content.channels.items()
        }
    except OSError as error:
        raise ChannelsFileError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, AppriseMissing) as error:
        raise ChannelsFileError(f"{path}: {error}") from error


def _site_channel(
    name: str, entry: _Channel, environment: Mapping[str, str], now: Callable[[], datetime]
) -> SiteChannel:
    faults = _faults(name, entry)
    if faults:
        raise ValueError(f"channel {name}: {faults}")
    try:
        channel, receipts = _channel(entry, environment, now)
    except ValueError as error:
        raise ValueError(f"channel {name}: {error}") from error
    has_address = entry.contact is not None
    is_personal = has_address if entry.personal is None else entry.personal
    return SiteChannel(
        traits=ChannelTraits(
            name=name,
            severities=frozenset(entry.severities),
            for_everybody=entry.for_everybody,
            is_shared=not has_address and not is_personal,
            needs_address=has_address,
        ),
        channel=channel,
        contact=entry.contact,
        is_personal=is_personal,
        concurrency=entry.concurrency,
        timeout_s=entry.timeout_s,
        retry=RetryPolicy(
            attempts_max=entry.attempts_max, first_s=entry.retry_first_s, max_s=entry.retry_max_s
        ),
        language=entry.language,
        receipts=receipts,
    )


def _channel(
    entry: _Channel, environment: Mapping[str, str], now: Callable[[], datetime]
) -> tuple[Channel, Receipts | None]:
    """The channel, and what asks for its receipts where it does not give them by itself."""

    def filled(text: str) -> str:
        return _VARIABLE.sub(lambda found: _value(found["name"], environment), text)

    match entry:
        case _Apprise():
            url = filled(entry.url)
            return AppriseChannel(url, timeout_s=entry.timeout_s, concurrency=entry.concurrency), None
        case _SignedWebhook():
            secret = filled(entry.secret)
            url = filled(entry.url)
            return SignedWebhook(url=url, secret=secret, timeout_s=entry.timeout_s, now=now), None
    account = AliyunAccount(
        endpoint=entry.endpoint,
        access_key_id=filled(entry.access_key_id),
        access_key_secret=filled(entry.access_key_secret),
        region=entry.region,
    )
    caller = AliyunCaller(account, timeout_s=entry.timeout_s, now=now)
    texts = {"templates": entry.templates, "variables": entry.variables}
    if isinstance(entry, _AliyunSms):
        return AliyunSms(caller, sign_name=entry.sign_name, **texts), AliyunSmsReceipts(caller)
    return AliyunVoice(caller, show_number=entry.show_number, **texts), AliyunCallReceipts(caller)


def _value(name: str, environment: Mapping[str, str]) -> str:
    if not name.startswith(_PREFIX):
        raise ValueError(f"{name} is not a channel's variable: those begin with {_PREFIX}")
    found = environment.get(name, "")
    if not found:
        raise ValueError(f"the environment has no {name}")
    return found


def _faults(name: str, entry: _Channel) -> str:
    """What is wrong with an entry; empty when nothing is."""
    if name in BUILT_IN_CHANNELS or not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name):
        return "the name is taken, or not of small letters, digits, - and _ (at most 32)"
    if min(entry.concurrency, entry.attempts_max) < 1 or min(entry.timeout_s, entry.retry_first_s) <= 0:
        return "concurrency, attempts_max, timeout_s and retry_first_s must be positive"
    match entry:
        case _Apprise():
            return _url_faults(entry)
        case _SignedWebhook():
            if not entry.url and not entry.contact:
                return "url is empty, and no contact point has one"
            return "" if _is_given(entry.secret) or not entry.secret else "secret must come from ${…}"
    if not _is_given(entry.access_key_secret) or not entry.templates:
        return "access_key_secret must come from ${…}, and a template is needed"
    unknown = sorted(set(entry.variables.values()) - _VALUES)
    return f"a message has no {', '.join(unknown)}" if unknown else ""


def _url_faults(entry: _Apprise) -> str:
    if "{address}" in entry.url and not entry.contact:
        return "{address} needs the kind of contact point that it is of"
    # What stands in place of a variable is of no matter here; a port would not take its braces.
    parts = urlsplit(_VARIABLE.sub("given", entry.url))
    raw = entry.url.partition("://")[2]
    if parts.scheme in _ROBOTS and not raw.startswith(("${", "{")):
        return "the robot's key must come from ${…} or {address}"
    password = parts.password
    if password is not None and password not in ("given", "{secret}"):
        return "the password must come from ${…}"
    return ""


def _is_given(text: str) -> bool:
    return _VARIABLE.fullmatch(text) is not None
