"""Options that several commands have."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from services.operator.commands.exits import give_up
from services.operator.platform.given import given_addresses
from services.operator.rpc.people import OPERATOR, TokenBook
from services.operator.texts import Language, say
from services.shared.rpc.channels import SERVICES, Addresses
from services.shared.rpc.signing import SigningKey, SigningKeyError, read_signing_key


class Output(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"


OutputOption = Annotated[
    Output, typer.Option("--output", help="text 或一个 json 文档 · text, or one JSON document")
]
LanguageOption = Annotated[Language, typer.Option("--lang", help="语言 · language")]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key", envvar="TIERLINK_SIGNING_KEY", help="签名私钥 PEM · signing key, PEM"),
]
TokenOption = Annotated[
    str, typer.Option("--token", envvar="TIERLINK_TOKEN", help="访问令牌 · token", show_default=False)
]
ReasonOption = Annotated[
    str, typer.Option("--reason", help="理由，存入审计链 · why; kept in the audit trail", show_default=False)
]
ExecuteOption = Annotated[bool, typer.Option("--execute", help="执行；否则只显示 · do it, else only show it")]
_ADDRESS_HELP = "服务地址 host:port · address of the service"
ReferralOption = Annotated[
    str, typer.Option("--referral", envvar="TIERLINK_REFERRAL_ADDRESS", help=_ADDRESS_HELP)
]
BedOption = Annotated[str, typer.Option("--bed", envvar="TIERLINK_BED_ADDRESS", help=_ADDRESS_HELP)]
NotificationOption = Annotated[
    str, typer.Option("--notification", envvar="TIERLINK_NOTIFICATION_ADDRESS", help=_ADDRESS_HELP)
]


def addresses_of(referral: str, bed: str, notification: str) -> Addresses:
    """The given addresses, with the certificates that the environment names. Gives up when one is missing."""
    given = {"referral": referral, "bed": bed, "notification": notification}
    missing = [f"TIERLINK_{name.upper()}_ADDRESS" for name in SERVICES if not given[name]]
    if missing:
        give_up(say("error.services_missing", Language.BOTH, names=", ".join(missing)))
    variables = {f"TIERLINK_{name.upper()}_ADDRESS": value for name, value in given.items()}
    addresses = given_addresses({**os.environ, **variables})
    assert addresses is not None, "all three are given"
    return addresses


def operator_token(token: str, key: Path | None) -> str:
    """The given token, or one of an operator signed with the key. Gives up without either."""
    if token:
        return token
    if key is None:
        give_up(say("error.no_credentials", Language.BOTH))
    return TokenBook(readable_key(key)).token(OPERATOR)


def readable_key(path: Path) -> SigningKey:
    """The key in a file. Gives up when it is none."""
    try:
        return read_signing_key(path)
    except SigningKeyError as error:
        give_up(str(error))


def check_reason(reason: str) -> None:
    """Gives up when nobody could read from it why."""
    if not reason.strip():
        give_up("--reason ?")
