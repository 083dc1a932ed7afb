"""What the steps of one play share: who calls, what was saved, when things were sent."""

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from services.operator.casefile.model import Case
from services.operator.casefile.variables import CaseTime, UnknownVariable, substitute
from services.operator.playing.alert_watch import AlertWatch
from services.operator.playing.results import AlertDelivery, StepFailed
from services.operator.rpc.calling import Answer, Caller
from services.operator.rpc.failures import CallFailed
from services.operator.rpc.methods import RpcMethod, rpc_methods
from services.operator.rpc.paths import Expectation, NothingThere, read_path
from services.operator.rpc.people import OPERATOR, TokenBook
from services.operator.rpc.values import build_message
from services.shared.kernel.actor import Actor


@dataclass(kw_only=True)
class Stage:
    """One play of one case."""

    case: Case
    time: CaseTime
    caller: Caller
    tokens: TokenBook
    variables: dict[str, Any]
    watches: dict[str, AlertWatch] = field(default_factory=dict)
    #: monotonic, by id of the command step
    sent_at_s: dict[str, float] = field(default_factory=dict)
    deliveries: list[AlertDelivery] = field(default_factory=list)

    async def ask(self, name: str, fields: dict[str, Any], *, actor: Actor = OPERATOR) -> Any:
        """One call by RPC name, outside the steps. Raises CallFailed."""
        method = rpc_methods()[name]
        request = build_message(method.request, fields)
        return (await self.caller.call(method, request, self.tokens.token(actor))).message

    async def call(self, method: RpcMethod, fields: dict[str, Any], who: str) -> Answer:
        """One call of a step. Raises StepFailed, CallFailed."""
        try:
            request = build_message(method.request, fields)
        except ValueError as error:
            raise StepFailed(str(error)) from error
        token = self.tokens.token(self.case.site.people[who])
        return await self.caller.call(method, request, token)

    def fill(self, value: Any) -> Any:
        """The value with its variables replaced. Raises StepFailed."""
        try:
            return substitute(value, self.variables, self.time)
        except UnknownVariable as error:
            raise StepFailed(str(error)) from error

    def filled(self, expectations: tuple[Expectation, ...]) -> tuple[Expectation, ...]:
        """The expectations with their variables replaced. Raises StepFailed."""
        return tuple(
            Expectation(path=each.path, relation=each.relation, value=self.fill(each.value))
            for each in expectations
        )

    def save(self, paths: Any, message: Message) -> None:
        """Keeps what the step saves. Raises StepFailed when it is not there."""
        for name, path in paths.items():
            try:
                value = read_path(message, path)
            except NothingThere as error:
                raise StepFailed(f"cannot save {name}: {error}") from error
            if value == "":
                raise StepFailed(f"cannot save {name}: {path} is empty")
            self.variables[name] = value


__all__ = ["CallFailed", "Stage"]
