"""A wire between clients and a server that breaks."""

import asyncio
import random

SHORTEST, LONGEST = 500, 8_000


class Wire:
    """Each connection breaks once it has carried so many bytes, to and fro, as are drawn for it; what is on its way then is lost."""

    def __init__(self, port: int, seed: int) -> None:
        self.port = port
        self.draws = random.Random(seed)
        self.broken = 0

    async def open(self) -> int:
        """The port at which it is taken up."""
        server = await asyncio.start_server(self.join, "127.0.0.1", 0)
        return server.sockets[0].getsockname()[1]

    async def join(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        room = Room(self.draws.randint(SHORTEST, LONGEST))
        ends = [back]
        try:
            there, on = await asyncio.open_connection("127.0.0.1", self.port)
            ends.append(on)
            async with asyncio.TaskGroup() as both:
                both.create_task(room.carry(here, on))
                both.create_task(room.carry(there, back))
        except* (OSError, EOFError):
            self.broken += room.left <= 0
        finally:
            for end in ends:
                end.transport.abort()


class Room:
    """What a connection may still carry."""

    def __init__(self, left: int) -> None:
        self.left = left

    async def carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while piece := await source.read(1 << 16):
            target.write(piece[: max(self.left, 0)])
            self.left -= len(piece)
            await target.drain()
            if self.left <= 0:
                raise ConnectionError("the wire breaks")
        raise EOFError
