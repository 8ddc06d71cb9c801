"""Each request is one trip with one outcome, and what a trip says of itself hangs together."""

from run import OUTCOMES, instant, ms, rows, scaled


def check(run, findings, request_file):
    if request_file is not None:
        against_file(run, findings, request_file)
    rides = set()
    for trip in run.trips:
        findings.expect("a ride is listed once", trip.ride not in rides, lambda: f"ride {trip.ride} again")
        rides.add(trip.ride)
        findings.expect("a request has one known outcome", trip.outcome in OUTCOMES, lambda: f"ride {trip.ride}: {trip.outcome}")
        one_trip(run, findings, trip)


def against_file(run, findings, path):
    """Row by row: the requests of the period, in the file's order."""
    check = "a request of the file in the period is a trip, and no other"
    trips = iter(run.trips)
    for line, row in enumerate(rows(path), 2):
        asked = ms(instant(row["request_time"]))
        if not run.start <= asked < run.end:
            continue
        trip = next(trips, None)
        if trip is None:
            findings.expect(check, False, f"line {line} has no trip")
            continue
        # Requests of one whole second are spread over it.
        spread = 0 if "." in row["request_time"] else 999
        places = [scaled(row[key], 7) for key in ("pickup_lat", "pickup_lon", "dropoff_lat", "dropoff_lon")]
        served = [round(x * 10**7) for x in (*trip.pickup, *trip.dropoff)]
        seats = int(float(row.get("passengers") or 1))
        same = asked <= trip.requested <= asked + spread and places == served and seats == trip.seats
        findings.expect(check, same, lambda: f"line {line} is not ride {trip.ride}")
    rest = sum(1 for _ in trips)
    findings.expect(check, rest == 0, lambda: f"{rest} trips beyond the file")


def one_trip(run, findings, trip):
    def expect(check, holds, what=""):
        findings.expect(check, holds, lambda: f"ride {trip.ride} ({trip.outcome}) {what}")

    expect("a request is made inside the period", run.start <= trip.requested < run.end)
    moments = [trip.requested, trip.first_offer, trip.matched, trip.picked, trip.dropped]
    known = [moment for moment in moments if moment is not None]
    expect("requested, offered, matched, picked up, dropped off, in this order", known == sorted(known), str(known))
    expect("who is matched was offered to a driver", trip.matched is None or trip.first_offer is not None)
    expect("who is picked up was matched to a driver", trip.picked is None or (trip.matched is not None and trip.driver != ""))
    expect(
        "who is picked up is dropped off, and nobody else",
        (trip.picked is None) == (trip.dropped is None) or trip.outcome == "open_at_end",
    )
    carried = trip.outcome in ("completed", "ended_early")
    expect("completed and ended early are the outcomes of those dropped off", carried == (trip.dropped is not None))
    refused = trip.outcome == "refused"
    expect("only a refused request has no quote", refused == (trip.quoted is None) == (trip.quoted_mm is None))
    wait = None if trip.picked is None else trip.picked - trip.requested
    expect("wait_s is picked up less requested", trip.wait == wait, f"{trip.wait} ms, not {wait}")
    inside = None if trip.dropped is None else trip.dropped - trip.picked
    expect("in_vehicle_s is dropped off less picked up", trip.in_vehicle == inside, f"{trip.in_vehicle} ms, not {inside}")
    expect("who is picked up has a distance", (trip.distance is None) == (trip.picked is None))
