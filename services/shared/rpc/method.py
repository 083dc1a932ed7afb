"""How a service's methods are declared and registered.

No grpc interceptors: each would cost a task switch and another wrapper on every call. What all methods need
is in `call_frame.py` and `serving.py`, written once and called directly.

    service_handler("tierlink.bed.v1.BedService", [
        UnaryMethod(name="HoldBed", request_type=HoldBedRequest, response_type=HoldBedResponse, handler=hold),
        StreamMethod(name="WatchAvailability", …, handler=watch),
    ], runtime)
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

import grpc
import protovalidate
from google.protobuf.message import Message

from services.shared.rpc.batch_items import BatchShape
from services.shared.rpc.batch_serving import BatchServing
from services.shared.rpc.call import Call, RpcRuntime
from services.shared.rpc.call_frame import CallFrame
from services.shared.rpc.serving import StreamServing, UnaryServing
from services.shared.rpc.validation import BatchContract, FurtherFaults, RequestContract

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
    #: the request is a batch: its items are checked each by its own contract
    has_items: bool = False


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


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchMethod:
    """Many commands in one call: each is carried out by the process's unary method that takes its request.

    What the messages look like is said in `batch_items.py`.
    """

    name: str
    request_type: type[Message]
    response_type: type[Message]
    #: names of what a command is about: those about the same thing are carried out in the order of the batch
    about: Callable[[Any], Iterable[str]]


Method = UnaryMethod[Any, Any] | StreamMethod[Any, Any] | BatchMethod


def service_handler(service: str, methods: Sequence[Method], runtime: RpcRuntime) -> grpc.ServiceRpcHandler:
    """The handler of one service for `RpcServer`, where no batch has commands of other services.

    `service` is the full name, `package.Service`. Raises like `service_handlers`.
    """
    return service_handlers([(service, methods)], runtime)[0]


def service_handlers(
    served: Sequence[tuple[str, Sequence[Method]]], runtime: RpcRuntime
) -> tuple[grpc.ServiceRpcHandler, ...]:
    """The handlers of a process's services, each by its full name, for `RpcServer`.

    Call it after `configure_logging`: the methods keep the logger that they find.

    Raises ValueError when two methods of a service have one name or a batch has what is no command's,
    protovalidate.CompilationError when a request's rules are wrong.
    """
    registration = _Registration(runtime)
    for service, methods in served:
        for method in methods:
            if not isinstance(method, BatchMethod):
                registration.add(service, method)
    for service, methods in served:
        for method in methods:
            if isinstance(method, BatchMethod):
                registration.add(service, registration.unary_of(method))
    return tuple(registration.handler(service) for service, _ in served)


class _Registration:
    """The methods of a process, as they become handlers."""

    def __init__(self, runtime: RpcRuntime) -> None:
        self._runtime = runtime
        self._validator = protovalidate.Validator()
        self._handlers: dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}
        #: by the full name of the request
        self._unary: dict[str, UnaryServing[Any, Any]] = {}

    def add(self, service: str, method: UnaryMethod[Any, Any] | StreamMethod[Any, Any]) -> None:
        handlers = self._handlers.setdefault(service, {})
        if method.name in handlers:
            raise ValueError(f"{service} has two methods {method.name}")
        frame: CallFrame[Any, Any] = CallFrame(
            method=f"{service}/{method.name}",
            public=method.public,
            unary=isinstance(method, UnaryMethod),
            contract=self._contract(method),
            response_type=method.response_type,
            runtime=self._runtime,
        )
        # Without (de)serializers grpc hands bytes through: a request is then read after its caller is known,
        # and one that cannot be read is INVALID_ARGUMENT, where grpc would answer INTERNAL.
        if isinstance(method, UnaryMethod):
            unary = UnaryServing(frame, method.handler)
            self._unary[method.request_type.DESCRIPTOR.full_name] = unary
            handlers[method.name] = grpc.unary_unary_rpc_method_handler(unary.serve)
        else:
            stream = StreamServing(frame, method.handler)
            handlers[method.name] = grpc.unary_stream_rpc_method_handler(stream.serve)

    def unary_of(self, method: BatchMethod) -> UnaryMethod[Any, Any]:
        """The call that carries batches, once all that may be in one are added."""
        shape = BatchShape(method.request_type, method.response_type, self._unary)
        return UnaryMethod(
            name=method.name,
            request_type=method.request_type,
            response_type=method.response_type,
            handler=BatchServing(shape, method.about, self._runtime.admission).handle,
            has_items=True,
        )

    def _contract(self, method: UnaryMethod[Any, Any] | StreamMethod[Any, Any]) -> RequestContract[Any]:
        if isinstance(method, StreamMethod):
            return RequestContract(method.request_type, self._validator)
        if method.has_items:
            return BatchContract(method.request_type, self._validator)
        return RequestContract(method.request_type, self._validator, method.further_faults)

    def handler(self, service: str) -> grpc.ServiceRpcHandler:
        handlers = self._handlers.get(service, {})
        return cast(grpc.ServiceRpcHandler, grpc.method_handlers_generic_handler(service, handlers))
