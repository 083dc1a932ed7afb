"""How a service's methods are declared and registered.

No grpc interceptors: each would cost a task switch and another wrapper on every call. What all methods need
is in `call_frame.py` and `serving.py`, written once and called directly.

    service_handler("tierlink.bed.v1.BedService", [
        UnaryMethod(name="HoldBed", request_type=HoldBedRequest, response_type=HoldBedResponse, handler=hold),
        StreamMethod(name="WatchAvailability", …, handler=watch),
    ], runtime)
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

import grpc
import protovalidate
from google.protobuf.message import Message

from services.shared.rpc.call import Call, RpcRuntime
from services.shared.rpc.call_frame import CallFrame
from services.shared.rpc.serving import StreamServing, UnaryServing
from services.shared.rpc.validation import FurtherFaults, RequestContract

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)


@dataclass(frozen=True, kw_only=True, slots=True)
class UnaryMethod(Generic[RequestT, ResponseT]):
    """One request, one response. The handler raises a `kernel.refusals.Refused` to refuse."""

    name: str
    request_type: type[RequestT]
    response_type: type[ResponseT]
    handler: Callable[[RequestT, Call], Awaitable[ResponseT]]
    #: served without credentials
    public: bool = False
    #: what the service itself finds wrong in a request that breaks its contract
    further_faults: FurtherFaults[RequestT] | None = None


def unary_methods(
    messages: ModuleType, handlers: Mapping[str, Callable[[Any, Call], Awaitable[Any]]]
) -> tuple[UnaryMethod[Any, Any], ...]:
    """Methods by name, whose messages in `messages` are called after them: `HoldBed` takes `HoldBedRequest`
    and gives `HoldBedResponse`. Raises AttributeError when they are not."""
    return tuple(
        UnaryMethod(
            name=name,
            request_type=getattr(messages, f"{name}Request"),
            response_type=getattr(messages, f"{name}Response"),
            handler=handler,
        )
        for name, handler in handlers.items()
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamMethod(Generic[RequestT, ResponseT]):
    """One request, a stream of responses. The handler is an async generator function."""

    name: str
    request_type: type[RequestT]
    response_type: type[ResponseT]
    handler: Callable[[RequestT, Call], AsyncGenerator[ResponseT, None]]
    #: served without credentials
    public: bool = False


def service_handler(
    service: str, methods: Sequence[UnaryMethod[Any, Any] | StreamMethod[Any, Any]], runtime: RpcRuntime
) -> grpc.ServiceRpcHandler:
    """The handler of one service for `RpcServer`. `service` is the full name, `package.Service`.

    Call it after `configure_logging`: the methods keep the logger that they find.

    Raises ValueError when two methods have one name, protovalidate.CompilationError when a request's rules
    are wrong.
    """
    validator = protovalidate.Validator()
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
    for method in methods:
        if method.name in handlers:
            raise ValueError(f"{service} has two methods {method.name}")
        frame: CallFrame[Any, Any] = CallFrame(
            method=f"{service}/{method.name}",
            public=method.public,
            unary=isinstance(method, UnaryMethod),
            contract=RequestContract(method.request_type, validator, _further_faults(method)),
            response_type=method.response_type,
            runtime=runtime,
        )
        # Without (de)serializers grpc hands bytes through: a request is then read after its caller is known,
        # and one that cannot be read is INVALID_ARGUMENT, where grpc would answer INTERNAL.
        if isinstance(method, UnaryMethod):
            unary = UnaryServing(frame, method.handler)
            handlers[method.name] = grpc.unary_unary_rpc_method_handler(unary.serve)
        else:
            stream = StreamServing(frame, method.handler)
            handlers[method.name] = grpc.unary_stream_rpc_method_handler(stream.serve)
    return cast(grpc.ServiceRpcHandler, grpc.method_handlers_generic_handler(service, handlers))


def _further_faults(method: UnaryMethod[Any, Any] | StreamMethod[Any, Any]) -> FurtherFaults[Any] | None:
    return method.further_faults if isinstance(method, UnaryMethod) else None
