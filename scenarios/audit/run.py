"""The files of a run, read by what the columns are called."""

import csv
import json
import tomllib
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from streets import open_text

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MS = timedelta(milliseconds=1)
OUTCOMES = [
    "completed",
    "ended_early",
    "cancelled_before_match",
    "cancelled_after_match",
    "no_show",
    "no_driver",
    "refused",
    "open_at_end",
]


def instant(text):
    """A time, and the same in ms since 1970; None where there is none."""
    if not text:
        return None
    return datetime.fromisoformat(text)


def ms(time):
    return (time - EPOCH) // MS


def scaled(text, places):
    """A decimal number as a whole number of 10^-places; None where there is none."""
    if text == "":
        return None
    if "." in text and len(text) - text.index(".") - 1 == places:
        whole, part = text.split(".")
        return int(whole + part)
    return int(Decimal(text).scaleb(places).to_integral_value(ROUND_HALF_UP))


def whole(text):
    return int(text) if text else None


class Trip:
    """A row of trips.csv: times in ms since 1970, seconds in ms, metres in mm."""

    __slots__ = (
        "ride rider requested pickup dropoff seats outcome driver matched picked dropped wait direct first_eta quoted"
        " quoted_mm in_vehicle distance fare driver_pay platform currency first_offer ended requested_local"
    ).split()

    def __init__(self, row):
        time = lambda key: None if not row.get(key) else ms(instant(row[key]))
        self.ride, self.rider = row["ride_id"], row["rider_id"]
        self.requested_local = instant(row["requested_at"])
        self.requested = ms(self.requested_local)
        self.pickup = (float(row["pickup_lat"]), float(row["pickup_lon"]))
        self.dropoff = (float(row["dropoff_lat"]), float(row["dropoff_lon"]))
        self.seats, self.outcome, self.driver = int(row["seats"]), row["outcome"], row["driver_id"]
        self.matched, self.picked, self.dropped = time("matched_at"), time("picked_up_at"), time("dropped_off_at")
        self.first_offer, self.ended = time("first_offer_at"), time("ended_at")
        self.wait, self.direct = scaled(row["wait_s"], 3), scaled(row["direct_s"], 3)
        self.first_eta, self.quoted = scaled(row["first_eta_s"], 3), scaled(row["quoted_s"], 3)
        self.quoted_mm, self.in_vehicle = whole(row["quoted_mm"]), scaled(row["in_vehicle_s"], 3)
        self.distance = scaled(row["distance_m"], 3)
        self.fare, self.driver_pay = whole(row["fare_minor"]), whole(row["driver_pay_minor"])
        self.platform, self.currency = whole(row["platform_minor"]), row["currency"]


class Leg:
    """A row of vehicles.csv: a movement or a stand."""

    __slots__ = "vehicle driver ride kind origin target start end start_ms end_ms mm".split()

    def __init__(self, row):
        self.vehicle, self.driver, self.ride, self.kind = row["vehicle_id"], row["driver_id"], row["ride_id"], row["kind"]
        self.origin = (float(row["from_lat"]), float(row["from_lon"]))
        self.target = (float(row["to_lat"]), float(row["to_lon"]))
        self.start, self.end = instant(row["start_at"]), instant(row["end_at"])
        self.start_ms, self.end_ms = ms(self.start), ms(self.end)
        self.mm = scaled(row["distance_m"], 3)

    def __str__(self):
        ride = f" for ride {self.ride}" if self.ride else ""
        return f"vehicle {self.vehicle} {self.kind}{ride} from {self.start.isoformat(timespec='milliseconds')}"


def rows(path):
    with open_text(Path(path)) as file:
        yield from csv.DictReader(file)


class Run:
    """A finished run."""

    def __init__(self, folder, scenario_text):
        self.folder = Path(folder)
        self.scenario = tomllib.loads(scenario_text)
        # Numbers as they are written, not as binary fractions.
        text = (self.folder / "summary.json").read_text(encoding="utf-8")
        self.summary = json.loads(text, parse_float=Decimal)
        self.trips = [Trip(row) for row in rows(self.folder / "trips.csv")]
        self.legs = [Leg(row) for row in rows(self.folder / "vehicles.csv")]
        self.start, self.end = self._moment("start"), self._moment("end")

    def _moment(self, key):
        value = self.scenario["period"][key]
        return ms(value if isinstance(value, datetime) else instant(value))

    def by_vehicle(self):
        """The legs of each vehicle in order of their start; among equal starts in order of the file."""
        vehicles = {}
        for leg in self.legs:
            vehicles.setdefault(leg.vehicle, []).append(leg)
        for legs in vehicles.values():
            legs.sort(key=lambda leg: (leg.start_ms, leg.end_ms))
        return vehicles
