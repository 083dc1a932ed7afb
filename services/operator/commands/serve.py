"""`tierlink serve`: one process of one service."""

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from services.operator.commands.exits import give_up
from services.operator.texts import Language, say

#: The last is of the notification service alone.
PARTS = ("grpc", "relay", "consumer", "deadlines", "deliveries")


class Service(StrEnum):
    """The services."""

    REFERRAL = "referral"
    BED = "bed"
    NOTIFICATION = "notification"
    BOARD = "board"
    AVAILABILITY = "availability"

    @property
    def module(self) -> str:
        """What its process runs."""
        return "services.bed.availability" if self is Service.AVAILABILITY else f"services.{self.value}"


def serve(
    service: Annotated[Service, typer.Argument(help="服务 · service")],
    parts: Annotated[
        str,
        typer.Option(
            "--parts", help=f"{','.join(PARTS)} 中的若干项，默认全部 · some of them, all by default"
        ),
    ] = "",
) -> None:
    """以一个进程运行一个服务 · Runs one process of a service.

    设置取自环境变量 TIERLINK_… · Settings come from TIERLINK_… variables.
    """
    unknown = [part for part in parts.split(",") if part and part.strip() not in PARTS]
    if unknown:
        give_up(say("error.parts", Language.BOTH, part=unknown[0], known=", ".join(PARTS)))
    environment = {**os.environ, **({"TIERLINK_PARTS": parts} if parts else {})}
    # This process becomes the service: signals and the exit code are then its own.
    os.execve(sys.executable, [sys.executable, "-m", service.module], environment)
