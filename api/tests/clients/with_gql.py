"""gql as PyPI has it, over a wire that breaks: queries and orders over HTTP and over sockets, and a stream that goes on where it broke off.

with_gql.py WIRE SERVER RIDES     HANSOM_TOKEN: that of a service
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.exceptions import TransportError, TransportQueryError

API = Path(__file__).parent.parent.parent
sys.path.insert(0, str(API / "examples"))
from client import new_key  # noqa: E402

Json = dict[str, Any]
TOKEN = {"authorization": f"Bearer {os.environ['HANSOM_TOKEN']}"}


def by_http(address: str) -> AIOHTTPTransport:
    return AIOHTTPTransport(url=address, headers=TOKEN)


def by_socket(address: str) -> AIOHTTPWebsocketsTransport:
    return AIOHTTPWebsocketsTransport(url="ws" + address.removeprefix("http"), init_payload=TOKEN)


def operation(name: str, variables: Json) -> Any:
    request = gql((API / f"operations/{name}.graphql").read_text())
    request.variable_values = variables
    return request


class Asker:
    """Asks over one connection after the other: what is lost with one is asked again over the next."""

    def __init__(self, transport: Callable[[str], Any], address: str) -> None:
        self.transport, self.address = transport, address
        self.client: Client | None = None

    async def ask(self, name: str, variables: Json) -> Any:
        """The one field of an answer."""
        while True:
            try:
                if self.client is None:
                    client = Client(transport=self.transport(self.address))
                    await client.connect_async()
                    self.client = client
                answer = await self.client.session.execute(operation(name, variables))
                return next(iter(answer.values()))
            except TransportQueryError:
                raise
            except (TransportError, OSError):
                await self.close()

    async def close(self) -> None:
        client, self.client = self.client, None
        if client is not None:
            await client.close_async()


async def listen(address: str, variables: Json, is_last: Callable[[Json], bool]) -> tuple[list[Json], int]:
    """Events until one is the last that is wanted, and over how many connections they came."""
    events: list[Json] = []
    connections = 0
    while True:
        connections += 1
        try:
            async with Client(transport=by_socket(address)) as session:
                async for message in session.subscribe(operation("events", variables)):
                    event = message["events"]
                    events.append(event)
                    variables["after"] = event["id"]
                    if is_last(event):
                        return events, connections
        except TransportQueryError:
            raise
        except (TransportError, OSError):
            pass


async def order(asker: Asker, n: int) -> None:
    """A ride is asked for, cancelled, and known to be."""
    place = [{"lat": 47.9938 + at / 1e5, "lon": 10.9929} for at in (n, 200 - n)]
    asked_for = {"rider": f"gql-{n}", "pickup": place[0], "dropoff": place[1]}
    asked = await asker.ask("request-ride", {"key": new_key(), "input": asked_for})
    assert asked["__typename"] == "RideTaken", asked
    cancelled = await asker.ask("cancel-ride", {"key": new_key(), "input": {"ride": asked["ride"]}})
    assert cancelled["__typename"] == "Taken", cancelled
    ride = await asker.ask("ride", {"id": asked["ride"], "minOffset": cancelled["offset"]})
    assert ride["status"] == "CANCELLED_BEFORE_MATCH", ride


async def main(wire: str, server: str, rides: int) -> None:
    # The library reads the schema, too, and holds what is asked against it.
    async with Client(transport=by_http(server), fetch_schema_from_transport=False) as session:
        (market,) = (await session.execute(operation("markets", {})))["markets"]
    ended = 0

    def is_last(event: Json) -> bool:
        nonlocal ended
        ended += event["__typename"] == "RideEnded"
        return ended == rides

    listening = asyncio.create_task(listen(wire, {"from": market["next"]}, is_last))
    askers = [Asker(by_http, wire), Asker(by_socket, wire)]
    for n in range(rides):
        await order(askers[n % 2], n)
    for asker in askers:
        await asker.close()
    heard, connections = await listening
    last = heard[-1]["id"]
    whole, _ = await listen(server, {"from": market["next"]}, lambda event: event["id"] == last)
    assert heard == whole, "what was heard in pieces is not what was told"
    assert connections > 5, connections
    print(f"gql: {len(heard)} events over {connections} connections, each once and in order")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
