"""Who keeps a namespace now: the host of the URL, the master that sentinels name, the node of a cluster."""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Awaitable, Callable

from foliot.stores.redis.address import Address, Credentials, Kind
from foliot.stores.redis.line import FAILURES, Host, Line, connected

SLOTS = 16384

Question = Callable[[Line, Host], Awaitable[Host]]


async def found(address: Address) -> Host:
    """Where to call. Raises ConnectionError if nobody who should know says so."""
    match address.kind:
        case Kind.ONE:
            return address.hosts[0]
        case Kind.UNIX:
            return address.path, 0
        case Kind.SENTINEL:
            return await _first_answer(address, address.sentinel_user, _master(address.master))
        case Kind.CLUSTER:
            return await _first_answer(address, address.user, _keeper(slot_of(address.namespace)))


def slot_of(namespace: str) -> int:
    """The slot of a cluster in which everything of a namespace is."""
    return crc_hqx(namespace.encode(), 0) % SLOTS


async def _first_answer(address: Address, user: Credentials, question: Question) -> Host:
    """What the first host says that has an answer."""
    problems: list[str] = []
    for host in address.hosts:
        try:
            return await _asked(host, address, user, question)
        except FAILURES as problem:
            problems.append(f"{host[0]}:{host[1]}: {problem}")
    raise ConnectionError("; ".join(problems))


async def _asked(host: Host, address: Address, user: Credentials, question: Question) -> Host:
    line = await connected(host, address, user)
    try:
        return await question(line, host)
    finally:
        line.close()


def _master(name: str) -> Question:
    async def master(line: Line, _: Host) -> Host:
        answer = await line.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
        if answer is None:
            raise ConnectionError(f"knows no master {name!r}")
        return answer[0].decode(), int(answer[1])

    return master


def _keeper(slot: int) -> Question:
    async def keeper(line: Line, asked: Host) -> Host:
        for first, last, master, *_replicas in await line.ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return (master[0] or b"").decode() or asked[0], int(master[1])
        raise ConnectionError(f"no node of the cluster keeps slot {slot}")

    return keeper
