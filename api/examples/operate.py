"""An operator's script: what the markets do, and what one of them tells from its first turn on, until so many rides have ended.

operate.py ADDRESS [RIDES]
"""

import asyncio
import sys

from client import App


async def main(address: str, rides: int) -> None:
    app = App(address)
    for market in await app.ask("markets", {}):
        print(f"{market['name']}: {market['standing']}, {market['next']} turns", flush=True)
    seen: set[str] = set()
    async for event in app.listen("events", {"from": "0"}):
        assert event["id"] not in seen, f"{event['id']} came twice"
        seen.add(event["id"])
        print(event["time"], event["__typename"], event.get("ride", ""), event.get("outcome", ""), flush=True)
        if event["__typename"] == "RideEnded":
            rides -= 1
            if rides == 0:
                return


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
