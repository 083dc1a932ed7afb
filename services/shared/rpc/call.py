"""What a handler learns about its call beside the request, and what all methods of a process share."""

from dataclasses import dataclass
from datetime import datetime

from services.shared.kernel.actor import Actor
from services.shared.rpc.admission import Admission
from services.shared.rpc.credentials import Authenticator
from services.shared.rpc.rpc_metrics import RpcMetrics
from services.shared.telemetry.tracer import Tracer

#: The actor of calls to public methods: nobody, with no role.
ANONYMOUS = Actor(user="", name="", facility="", roles=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call as its handler sees it."""

    #: from the caller's credentials; ANONYMOUS on public methods
    actor: Actor
    #: when it arrived, UTC
    received_at: datetime
    #: this call's span, to store with what the call causes
    traceparent: str
    #: `package.Service/Method`
    method: str
    #: seconds that the caller still waits, counted from `received_at`; None when it set no limit
    deadline_remaining_s: float | None
    #: the caller does without the reply: a handler may answer with `CarriedOut`
    is_brief: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CarriedOut:
    """In place of a reply that nobody wants: the resource that has it."""

    name: str
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RpcRuntime:
    """What every method of a process uses. Built once, in `main`."""

    authenticator: Authenticator
    admission: Admission
    metrics: RpcMetrics
    #: None when the site records no traces
    tracer: Tracer | None = None
    #: a unary call that takes longer is logged at INFO
    slow_call_s: float = 1.0
    #: a stream whose reader takes longer to make room for a message is ended with RESOURCE_EXHAUSTED
    slow_reader_s: float = 30.0
