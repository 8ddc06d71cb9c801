"""A driver's app: goes on shift, takes every offer and drives it.

driver.py ADDRESS NAME [RIDES]     ends the shift after so many rides
"""

import asyncio
import sys

from client import App, Json, new_key

PLACE: Json = {"lat": 47.9938, "lon": 10.9929}


async def main(address: str, name: str, rides: int) -> None:
    app = App(address)
    shift = await app.order("start-shift", {"driver": name, "place": PLACE})
    assert shift["__typename"] == "SessionTaken", shift
    mine: Json = {"driver": name, "session": shift["session"]}
    async for event in app.listen("offers", {"driver": name, "from": shift["offset"]}):
        print(event["__typename"], event["id"], flush=True)
        if event["__typename"] == "OfferMade":
            trip = mine | {"ride": event["ride"]}
            answer = await app.order("accept-offer", trip | {"epoch": event["epoch"]})
            if answer["__typename"] != "Taken":
                print("too late:", answer["reason"], flush=True)
                continue
            seq = 0
            for step in ("arrive-at-pickup", "board-rider"):
                seq += 1
                position = mine | {"seq": seq, "place": event["pickup"]}
                await app.ask("report-positions", {"key": new_key(), "positions": [position]})
                answer = await app.order(step, trip)
                assert answer["__typename"] == "Taken", answer
            answer = await app.order("end-trip", trip | {"place": event["pickup"]})
            assert answer["__typename"] == "Taken", answer
        if event["__typename"] == "RideEnded":
            rides -= 1
            if rides == 0:
                answer = await app.order("end-shift", mine)
                assert answer["__typename"] == "Taken", answer
                return


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0))
