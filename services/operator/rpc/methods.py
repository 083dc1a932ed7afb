"""Every RPC of the public API by its name, found in the generated descriptors: no list to keep up to date."""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import tierlink

#: A service serves them for its own store, so that their names alone do not say whom to ask.
SHARED_PACKAGES = frozenset({"audit", "inbox", "operations", "projection"})


@dataclass(frozen=True, kw_only=True, slots=True)
class RpcMethod:
    """One RPC."""

    #: such as `AcceptReferral`
    name: str
    #: `/package.Service/Method`
    path: str
    #: the service process that serves it: `referral`, `bed`, `notification`
    service: str
    request: Descriptor
    response: Descriptor
    is_stream: bool

    @property
    def is_command(self) -> bool:
        """Whether it changes something: those carry a request id."""
        return "request_id" in self.request.fields_by_name

    @property
    def request_type(self) -> type[Message]:
        """The class of its requests."""
        return GetMessageClass(self.request)

    @property
    def response_type(self) -> type[Message]:
        """The class of its responses."""
        return GetMessageClass(self.response)


@cache
def rpc_methods() -> Mapping[str, RpcMethod]:
    """The RPCs that have a name of their own among all services, by name."""
    found: dict[str, RpcMethod] = {}
    for info in pkgutil.walk_packages(tierlink.__path__, "tierlink."):
        if info.name.endswith("_service_pb2") and info.name.split(".")[1] not in SHARED_PACKAGES:
            for service in import_module(info.name).DESCRIPTOR.services_by_name.values():
                for method in service.methods:
                    assert method.name not in found, f"two RPCs are named {method.name}"
                    package = service.file.package.split(".")[1]
                    found[method.name] = rpc_method(method, service=package)
    return found


def rpc_method(method: MethodDescriptor, *, service: str) -> RpcMethod:
    """An RPC of the contract as a service process serves it."""
    return RpcMethod(
        name=method.name,
        path=f"/{method.containing_service.full_name}/{method.name}",
        service=service,
        request=method.input_type,
        response=method.output_type,
        is_stream=bool(method.server_streaming),
    )
