"""What the apps in Python share: orders that are given until they are answered, and streams that go on where they broke off."""

import asyncio
import os
import secrets
import time
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

from gql import Client, GraphQLRequest, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.exceptions import TransportError, TransportQueryError

OPERATIONS = Path(__file__).parent.parent / "operations"
AGAIN_S = 0.2
Json = dict[str, Any]


def new_key(at_s: float | None = None) -> str:
    """A UUID of version 7: it starts with the time, that of this machine or another."""
    number = int((at_s or time.time()) * 1000) << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) | 0x7 << 76
    return str(uuid.UUID(int=number & ~(0b11 << 62) | 0b10 << 62))


def operation(name: str, variables: Json) -> GraphQLRequest:
    """An operation of the collection."""
    request = gql((OPERATIONS / f"{name}.graphql").read_text())
    request.variable_values = variables
    return request


class App:
    """A client of one server, with the token in HANSOM_TOKEN where it wants one."""

    def __init__(self, address: str) -> None:
        self.address = address
        token = os.environ.get("HANSOM_TOKEN")
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    async def ask(self, name: str, variables: Json) -> Any:
        """What a query or order answers, which is the only field of it. A connection that breaks is tried again."""
        while True:
            try:
                async with Client(transport=AIOHTTPTransport(url=self.address, headers=self.headers)) as session:
                    answer = await session.execute(operation(name, variables))
                    return next(iter(answer.values()))
            except TransportQueryError:
                raise
            except (TransportError, OSError):
                await asyncio.sleep(AGAIN_S)

    async def order(self, name: str, input: Json) -> Json:
        """What became of an order. It is given again, with the same key, for as long as that may help."""
        # In a simulated city it is another time than here.
        now = (await self.ask("markets", {}))[0]["now"]
        key = new_key(datetime.fromisoformat(now).timestamp() if now else None)
        while True:
            answer = await self.ask(name, {"key": key, "input": input})
            if not answer.get("retryable"):
                return answer
            await asyncio.sleep(answer["retryAfterMs"] / 1000)

    async def listen(self, name: str, variables: Json) -> AsyncIterator[Json]:
        """Events. When the connection breaks, the stream goes on after the last one."""
        variables = dict(variables)
        while True:
            try:
                async with Client(transport=self.socket()) as session:
                    async for message in session.subscribe(operation(name, variables)):
                        event = next(iter(message.values()))
                        variables["after"] = event["id"]
                        yield event
                    return
            except TransportQueryError:
                raise
            except (TransportError, OSError):
                print("the connection broke; on after", variables.get("after"), flush=True)
                await asyncio.sleep(AGAIN_S)

    def socket(self) -> AIOHTTPWebsocketsTransport:
        return AIOHTTPWebsocketsTransport(url="ws" + self.address.removeprefix("http"), init_payload=self.headers)
