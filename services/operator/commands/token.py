"""`tierlink token`: a token for a facility and role."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.operator.commands.exits import give_up
from services.operator.commands.options import readable_key
from services.operator.texts import Language, say
from services.shared.kernel.actor import Actor, Role
from services.shared.rpc.signing import sign_token


def token(
    *,
    key: Annotated[
        Path, typer.Option("--key", envvar="TIERLINK_SIGNING_KEY", help="签名私钥 PEM · signing key, PEM")
    ],
    role: Annotated[list[str], typer.Option("--role", help="角色，可重复 · role, may be repeated")],
    facility: Annotated[str, typer.Option("--facility", help="机构编号 · facility")] = "",
    user: Annotated[str, typer.Option("--user", help="用户编号 · user (sub)")] = "",
    name: Annotated[str, typer.Option("--name", help="显示名 · display name")] = "",
    ttl: Annotated[
        int, typer.Option("--ttl", min=1, max=31_536_000, help="有效秒数 · seconds it is good for")
    ] = 3600,
    audience: Annotated[str, typer.Option("--audience", help="受众 · audience (aud)")] = "",
) -> None:
    """签发访问令牌，输出到标准输出 · Signs a token and prints it."""
    roles = {each.value: each for each in Role}
    unknown = [each for each in role if each not in roles]
    if unknown:
        give_up(say("error.roles", Language.BOTH, role=unknown[0], known=", ".join(roles)))
    who = user or "-".join(part for part in (facility, role[0]) if part)
    actor = Actor(user=who, name=name or who, facility=facility, roles=tuple(roles[each] for each in role))
    signed = sign_token(
        readable_key(key), actor, issued_at=datetime.now(UTC), lifetime_s=ttl, audience=audience
    )
    sys.stdout.write(f"{signed}\n")
