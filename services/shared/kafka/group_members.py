"""Who is a member of a consumer group, and the removal of one that is dead.

Until the session of a dead member is over, seconds later, its group hands its partitions to nobody. Whoever
knows that it is dead may send its LeaveGroup: the coordinator asks for the member's id, not for its socket.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.group import LeaveGroupRequest

from services.shared.kafka.address import KafkaAddress


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupMember:
    """One membership; a process that joins again has another."""

    member_id: str
    client_id: str


class GroupMembers:
    """The members of one group, as its coordinator knows them."""

    def __init__(self, client: AIOKafkaClient, coordinator: int, group: str) -> None:
        self._client = client
        self._coordinator = coordinator
        self._group = group

    async def now(self) -> tuple[GroupMember, ...]:
        """All members, those among them that are just joining. Raises KafkaError."""
        response = await self._client.send(self._coordinator, DescribeGroupsRequest([self._group]))
        (described,) = response.groups
        # Later versions of the answer have more fields behind these.
        code, _, _, _, _, members, *_ = described
        if code != NoError.errno:
            raise for_code(code)(self._group)
        return tuple(GroupMember(member_id=each[0], client_id=each[1]) for each in members)

    async def remove(self, member: GroupMember) -> bool:
        """Has a dead member leave; False when it was gone already. Raises KafkaError."""
        response = await self._client.send(
            self._coordinator, LeaveGroupRequest(self._group, member.member_id)
        )
        return bool(response.error_code == NoError.errno)


@asynccontextmanager
async def open_group(kafka: KafkaAddress, *, group: str, client_id: str) -> AsyncIterator[GroupMembers]:
    """Connects to the group's coordinator for the length of the block. Raises KafkaError, OSError."""
    client = AIOKafkaClient(**kafka.client_options(client_id))
    try:
        await client.bootstrap()
        yield GroupMembers(client, await client.coordinator_lookup(CoordinationType.GROUP, group), group)
    finally:
        await client.close()
