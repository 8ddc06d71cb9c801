#!/usr/bin/env python3
"""Plants errors in copies of a finished run and demands that the audit sees each, by the check that is there for it.

Usage: test_audit.py RUN [--network DIR] [--hansom BINARY]
"""

import sys

sys.dont_write_bytecode = True

import argparse
import copy
import csv
import json
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import audit
import money

FILES = ("trips.csv", "vehicles.csv", "summary.json", "scenario.toml")


def stamp(text, ms):
    """A time of a file, so many ms later."""
    moved = datetime.fromisoformat(text) + timedelta(milliseconds=ms)
    return moved.isoformat(timespec="milliseconds")


def seconds(text, ms):
    return f"{float(text) + ms / 1000:.3f}"


class Files:
    """The files of a run as rows, to be changed."""

    def __init__(self, folder):
        self.trips = list(csv.DictReader(open(folder / "trips.csv", encoding="utf-8", newline="")))
        self.vehicles = list(csv.DictReader(open(folder / "vehicles.csv", encoding="utf-8", newline="")))
        self.summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        self.tariff = audit.Run(folder, audit.scenario_text(folder)).scenario["tariff"]

    def write(self, folder):
        for name, rows in (("trips", self.trips), ("vehicles", self.vehicles)):
            with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        (folder / "summary.json").write_text(json.dumps(self.summary), encoding="utf-8")

    def as_requests(self, path):
        """Writes what was asked for as a request file."""
        columns = {
            "request_time": "requested_at",
            "pickup_lat": "pickup_lat",
            "pickup_lon": "pickup_lon",
            "dropoff_lat": "dropoff_lat",
            "dropoff_lon": "dropoff_lon",
            "passengers": "seats",
        }
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([trip[column] for column in columns.values()] for trip in self.trips)
        return path

    def trip(self, holds=lambda trip: True):
        """A trip in the middle of the run that was completed."""
        completed = [trip for trip in self.trips if trip["outcome"] == "completed" and holds(trip)]
        return completed[len(completed) // 2]

    def leg(self, kind, holds=lambda leg: True):
        """The position of a row of that kind in the middle of the run."""
        found = [n for n, leg in enumerate(self.vehicles) if leg["kind"] == kind and holds(leg)]
        return found[len(found) // 2]

    def after(self, n):
        """The next row of the same vehicle in time."""
        leg = self.vehicles[n]
        same = [other for other in self.vehicles if other["vehicle_id"] == leg["vehicle_id"] and other is not leg]
        return min((o for o in same if o["start_at"] >= leg["end_at"]), key=lambda o: (o["start_at"], o["end_at"]))

    def long(self, leg):
        return float(leg["distance_m"]) > 400


# Each plants one error and names the check that must see it.


def a_trip_twice(files):
    files.trips.append(dict(files.trip()))
    return "a ride is listed once"


def a_seat_more_than_asked_for(files):
    trip = next(trip for trip in files.trips if trip["picked_up_at"] == "")
    trip["seats"] = str(int(trip["seats"]) + 1)
    return "a request of the file in the period is a trip, and no other"


def a_trip_missing(files):
    files.trips.remove(next(trip for trip in files.trips if trip["picked_up_at"] == ""))
    return "summary.json: requests"


def an_outcome_changed(files):
    files.trip()["outcome"] = "no_show"
    return "completed and ended early are the outcomes of those dropped off"


def an_unknown_outcome(files):
    files.trip()["outcome"] = "lost"
    return "a request has one known outcome"


def two_drivers_swapped(files):
    one = files.trip()
    two = files.trip(lambda trip: trip["driver_id"] != one["driver_id"])
    one["driver_id"], two["driver_id"] = two["driver_id"], one["driver_id"]
    return "a ride is driven by its driver alone"


def a_pickup_a_second_late(files):
    trip = files.trip()
    trip["picked_up_at"] = stamp(trip["picked_up_at"], 1000)
    trip["wait_s"], trip["in_vehicle_s"] = seconds(trip["wait_s"], 1000), seconds(trip["in_vehicle_s"], -1000)
    return "who is picked up boards at that time, once"


def a_wait_that_is_no_difference(files):
    trip = files.trip()
    trip["wait_s"] = seconds(trip["wait_s"], 1)
    return "wait_s is picked up less requested"


def in_two_places(files):
    leg = files.vehicles[files.leg("loaded")]
    leg["start_at"] = stamp(leg["start_at"], -500)
    return "a vehicle is not in two places"


def a_hole_in_a_shift(files):
    files.vehicles.pop(files.leg("stand"))
    return "a shift has no hole"


def a_jump(files):
    leg = files.vehicles[files.leg("loaded", files.long)]
    leg["to_lat"] = f"{float(leg['to_lat']) + 0.001:.7f}"
    return "a leg starts where the last one ended"


def a_vehicle_off_the_streets(files):
    n = files.leg("empty", files.long)
    moved, after = files.vehicles[n], files.after(n)
    moved["to_lat"] = after["from_lat"] = f"{float(moved['to_lat']) + 0.00002:.7f}"
    return "a vehicle is on a street"


def a_leg_too_fast(files):
    """A tenth of a leg's time goes to the row after it."""
    n = files.leg("empty", files.long)
    leg, after = files.vehicles[n], files.after(n)
    took = datetime.fromisoformat(leg["end_at"]) - datetime.fromisoformat(leg["start_at"])
    leg["end_at"] = after["start_at"] = stamp(leg["end_at"], -took / timedelta(milliseconds=10))
    return "a leg takes at least the shortest time at the world's fastest"


def a_leg_too_slow(files):
    n = files.leg("empty", files.long)
    leg, after = files.vehicles[n], files.after(n)
    leg["end_at"] = after["start_at"] = stamp(leg["end_at"], 50)
    return "a leg takes what the world takes on that way"


def a_leg_too_short(files):
    """Trip and vehicle agree, the streets do not."""
    n = files.leg("loaded", files.long)
    leg = files.vehicles[n]
    trip = next(trip for trip in files.trips if trip["ride_id"] == leg["ride_id"])
    for row in (leg, trip):
        row["distance_m"] = f"{float(row['distance_m']) - 1:.3f}"
    return "a leg is as long as the way that the dispatcher believes the fastest"


def a_ride_longer_than_its_legs(files):
    trip = files.trip()
    trip["distance_m"] = f"{float(trip['distance_m']) + 0.001:.3f}"
    return "distance_m is what the vehicle drove with the rider"


def a_rider_in_two_vehicles(files):
    """Another driver lets the rider in who is already on the way."""
    trip = files.trip()
    stand = files.vehicles[
        files.leg(
            "stand",
            lambda leg: leg["start_at"] < trip["picked_up_at"] < leg["end_at"] and leg["driver_id"] != trip["driver_id"],
        )
    ]
    stand["kind"], stand["ride_id"] = "board", trip["ride_id"]
    return "a rider is not in two vehicles"


def metres_while_standing(files):
    files.vehicles[files.leg("stand")]["distance_m"] = "0.001"
    return "who stands does not move"


def a_rider_let_in_elsewhere(files):
    """Ten metres along the street."""
    trip = files.trip(lambda trip: trip["pickup_lat"] != trip["dropoff_lat"])
    trip["pickup_lat"] = f"{float(trip['pickup_lat']) + 0.0003:.7f}"
    trip["pickup_lon"] = f"{float(trip['pickup_lon']) + 0.0004:.7f}"
    return "riders get in and out at the nearest place on a street"


def a_cent_too_much(files):
    trip = files.trip()
    for key, summed in (("fare_minor", "total_minor"), ("driver_pay_minor", "driver_minor")):
        trip[key] = str(int(trip[key]) + 1)
        files.summary["fares"][summed] += 1
    return "a fare is the tariff on the quote"


def a_cent_to_the_wrong_side(files):
    trip = files.trip()
    for key, summed, cents in (("driver_pay_minor", "driver_minor", -1), ("platform_minor", "platform_minor", 1)):
        trip[key] = str(int(trip[key]) + cents)
        files.summary["fares"][summed] += cents
    return "a fare is split by the tariff"


def a_fee_forgotten(files):
    trip = next(trip for trip in files.trips if trip["outcome"] in ("no_show", "cancelled_after_match") and trip["fare_minor"])
    files.summary["fares"]["total_minor"] -= int(trip["fare_minor"])
    trip["fare_minor"] = "0"
    return "who was not driven pays the fee of the tariff, or nothing"


def a_quote_on_another_way(files):
    """The fare follows the quote, the quote does not follow the streets."""
    trip = files.trip(lambda trip: float(trip["direct_s"]) > 120)
    for key in ("direct_s", "quoted_s"):
        trip[key] = seconds(trip[key], 1000)
    paid = money.fare(files.tariff, round(float(trip["quoted_s"]) * 1000), int(trip["quoted_mm"]))
    driver, _, platform = money.split(files.tariff, paid)
    trip["fare_minor"], trip["driver_pay_minor"], trip["platform_minor"] = str(paid), str(driver), str(platform)
    return "direct_s is the fastest way's time at request"


def figure(path, step):
    """A figure of the summary that is off by one in its last decimal."""

    def plant(files):
        *groups, key = path.split(".")
        place = files.summary
        for group in groups:
            place = place[group]
        place[key] += step
        return f"summary.json: {path}"

    plant.__name__ = f"the_figure_{path}"
    return plant


FIGURES = [
    *(figure(path, 0.000_001) for path in ("service_rate", "detour", "utilisation", "deadhead_share", "occupancy")),
    *(figure(f"{name}.{p}", 0.001) for name in ("wait_s", "time_to_offer_s", "in_vehicle_s") for p in ("mean", "p50", "p90", "p95")),
    figure("simulated_s", 0.001),
    figure("outcomes.completed", 1),
    figure("outcomes.no_driver", 1),
]

# Planted one by one, or together where one check each sees them.
ALONE = [
    a_trip_twice,
    a_seat_more_than_asked_for,
    a_trip_missing,
    an_outcome_changed,
    an_unknown_outcome,
    two_drivers_swapped,
    a_pickup_a_second_late,
    a_wait_that_is_no_difference,
    in_two_places,
    a_hole_in_a_shift,
    a_jump,
    a_vehicle_off_the_streets,
    a_leg_too_fast,
    a_leg_too_slow,
    a_leg_too_short,
    a_ride_longer_than_its_legs,
    metres_while_standing,
    a_rider_in_two_vehicles,
    a_rider_let_in_elsewhere,
    a_cent_too_much,
    a_cent_to_the_wrong_side,
    a_fee_forgotten,
    a_quote_on_another_way,
]
ERRORS = [*([plant] for plant in ALONE), FIGURES]


def broken(folder, streets, requests):
    """The checks that fail."""
    return audit.audit(audit.Run(folder, audit.scenario_text(folder)), streets, requests).broken


def main():
    parser = argparse.ArgumentParser(description="Plant errors in a run, and see that the audit finds them.")
    parser.add_argument("run", type=Path, help="the folder of a run")
    parser.add_argument("--network", type=Path, help="the folder with nodes.csv and edges.csv, if the scenario names none")
    parser.add_argument("--hansom", help="the program, for a procedural city")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        copied = Path(scratch) / "run"
        shutil.copytree(given.run, copied, ignore=lambda _, names: [name for name in names if name not in FILES])
        run = audit.Run(copied, audit.scenario_text(copied, given.hansom))
        streets = audit.streets_of(run, given.network, given.hansom, scratch)
        original, failed, planted = Files(copied), 0, 0
        requests = original.as_requests(copied / "requests.csv")
        clean = broken(copied, streets, requests)
        if clean:
            sys.exit(f"the run itself is not clean: {clean}")
        for plants in ERRORS:
            files = copy.deepcopy(original)
            checks = [plant(files) for plant in plants]
            files.write(copied)
            seen = broken(copied, streets, requests)
            for plant, check in zip(plants, checks):
                planted += 1
                failed += check not in seen
                print(f"{'ok  ' if check in seen else 'FAIL'} {plant.__name__.replace('_', ' ')}", flush=True)
    print(f"{planted - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
