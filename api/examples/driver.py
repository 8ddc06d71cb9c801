"""A driver's app: goes on shift, takes every offer and drives it.

driver.py ADDRESS NAME [RIDES]     ends the shift after so many rides; HANSOM_TOKEN: the driver's
"""

import asyncio
import sys

from client import App, Json, new_key

PLACE: Json = {"lat": 47.9938, "lon": 10.9929}


class Driver:
    """A driver on shift."""

    def __init__(self, app: App, name: str, session: int) -> None:
        self.app = app
        self.mine: Json = {"driver": name, "session": session}
        self.seq = 0

    async def drive_to(self, place: Json) -> None:
        """The vehicle of an example is there at once."""
        self.seq += 1
        position = self.mine | {"seq": self.seq, "place": place}
        answer = await self.app.ask("report-positions", {"key": new_key(), "positions": [position]})
        assert answer["__typename"] == "PositionsReceived", answer
        for failed in answer["failures"]:
            print(f"position: {failed['failure']['reason']}", flush=True)

    async def say(self, order: str, more: Json) -> bool:
        """Whether an order was taken."""
        answer = await self.app.order(order, self.mine | more)
        if answer["__typename"] != "Taken":
            print(f"{order}: {answer['reason']}", flush=True)
        return answer["__typename"] == "Taken"

    async def serve(self, offer: Json) -> None:
        """Takes an offer and drives it, unless the rider thinks better of it on the way."""
        ride: Json = {"ride": offer["ride"]}
        if not await self.say("accept-offer", ride | {"epoch": offer["epoch"]}):
            return
        await self.drive_to(offer["pickup"])
        if await self.say("arrive-at-pickup", ride) and await self.say("board-rider", ride):
            await self.drive_to(offer["dropoff"])
            await self.say("end-trip", ride | {"place": offer["dropoff"]})


async def main(address: str, name: str, rides: int) -> None:
    app = App(address)
    shift = await app.order("start-shift", {"driver": name, "place": PLACE})
    assert shift["__typename"] == "SessionTaken", shift
    driver = Driver(app, name, shift["session"])
    async for event in app.listen("offers", {"driver": name, "from": shift["offset"]}):
        print(event["__typename"], event["id"], flush=True)
        if event["__typename"] == "OfferMade":
            await driver.serve(event)
        if event["__typename"] == "RideEnded":
            rides -= 1
            if rides == 0:
                assert await driver.say("end-shift", {})
                return


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0))
