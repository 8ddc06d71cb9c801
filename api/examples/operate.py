"""An operator's script: what one market tells from its first turn on, until so many rides have ended; then what they came to.

operate.py ADDRESS [RIDES]     HANSOM_TOKEN: an operator's
"""

import asyncio
import sys

from client import App, Json


async def main(address: str, rides: int) -> None:
    app = App(address)
    for market in await app.ask("markets", {}):
        print(f"{market['name']}: {market['standing']}, {market['next']} turns", flush=True)
    seen: set[str] = set()
    event: Json = {}
    async for event in app.listen("events", {"from": "0"}):
        assert event["id"] not in seen, f"{event['id']} came twice"
        seen.add(event["id"])
        print(event["time"], event["__typename"], event.get("ride", ""), event.get("outcome", ""), flush=True)
        if event["__typename"] == "RideEnded":
            rides -= 1
            if rides == 0:
                break
    # What is asked with this offset knows of that ride.
    known = {"minOffset": event["offset"]}
    day = {"from": event["time"][:10] + "T00:00:00Z", "until": event["time"]}
    kpis = await app.ask("kpis", day | known)
    (window,) = kpis["windows"]
    print(f"{window['requests']} requests, {window['serviceRate']:.0%} served, wait {window['wait']['meanS']} s", flush=True)
    why = await app.ask("why-matched", {"ride": event["ride"]} | known)
    for offer in why["offers"]:
        print(f"ride {event['ride']} was offered to {offer['driver']} at cost {offer['cost']}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
