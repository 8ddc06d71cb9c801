"""What the apps in Python share: orders that are given until they are answered, and streams that go on where they broke off."""

import asyncio
import secrets
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport

OPERATIONS = Path(__file__).parent.parent / "operations"
Json = dict[str, Any]


def new_key() -> str:
    """A UUID of version 7: it starts with the time."""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) | 0x7 << 76
    return str(uuid.UUID(int=number & ~(0b11 << 62) | 0b10 << 62))


class App:
    """A client of one server."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.address = address
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    async def ask(self, operation: str, variables: Json) -> Json:
        """What a query or order answers, which is the only field of it. A connection that breaks is tried again."""
        while True:
            try:
                transport = AIOHTTPTransport(url=self.address, headers=self.headers)
                async with Client(transport=transport) as session:
                    request = gql((OPERATIONS / f"{operation}.graphql").read_text())
                    request.variable_values = variables
                    answer = await session.execute(request)
                    return next(iter(answer.values()))
            except (TransportError, OSError) as cause:
                if type(cause).__name__ == "TransportQueryError":
                    raise
                await asyncio.sleep(0.2)

    async def order(self, operation: str, input: Json) -> Json:
        """What became of an order. It is given again, with the same key, for as long as that may help."""
        key = new_key()
        while True:
            answer = await self.ask(operation, {"key": key, "input": input})
            if not answer.get("retryable"):
                return answer
            await asyncio.sleep(answer["retryAfterMs"] / 1000)

    async def listen(self, operation: str, variables: Json) -> AsyncIterator[Json]:
        """Events. When the connection breaks, the stream goes on after the last one."""
        variables = dict(variables)
        sockets = "ws" + self.address.removeprefix("http")
        while True:
            try:
                transport = WebsocketsTransport(url=sockets, init_payload=self.headers)
                async with Client(transport=transport) as session:
                    request = gql((OPERATIONS / f"{operation}.graphql").read_text())
                    request.variable_values = variables
                    async for message in session.subscribe(request):
                        event = next(iter(message.values()))
                        if event["__typename"] != "Gap":
                            variables["after"] = event["id"]
                        yield event
                    return
            except (TransportError, OSError) as cause:
                if type(cause).__name__ == "TransportQueryError":
                    raise
                print(f"the connection broke: {type(cause).__name__}; on after {variables.get('after')}", flush=True)
                await asyncio.sleep(0.2)
