"""The figures of summary.json, worked out again from trips.csv and vehicles.csv."""

import math
from decimal import Decimal
from fractions import Fraction

from run import OUTCOMES

PERCENTILES = (50, 90, 95)


def rank(values, percent):
    """Nearest rank: the smallest value that `percent` of them do not exceed."""
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


def spread(values_ms):
    """Mean and percentiles of times in ms, in s; None of no values."""
    if not values_ms:
        return {"mean": None, **{f"p{p}": None for p in PERCENTILES}}
    mean = Fraction(sum(values_ms), len(values_ms) * 1000)
    return {"mean": mean, **{f"p{p}": Fraction(rank(values_ms, p), 1000) for p in PERCENTILES}}


def ratio(part, whole):
    """A share; None of nothing."""
    return Fraction(part, whole) if whole else None


def figures(run):
    """What the summary should say; fractions are exact."""
    trips, legs = run.trips, run.legs
    completed = sum(trip.outcome == "completed" for trip in trips)
    seats = {trip.ride: trip.seats for trip in trips}
    shift = busy = loaded = empty = rider_mm = 0
    for leg in legs:
        inside = min(leg.end_ms, run.end) - max(leg.start_ms, run.start)
        if inside > 0:
            shift += inside
            busy += inside if leg.ride else 0
        if leg.kind == "loaded":
            loaded += leg.mm
            rider_mm += leg.mm * seats.get(leg.ride, 1)
        else:
            empty += leg.mm
    detours = [t.in_vehicle / t.direct for t in trips if t.in_vehicle is not None and t.direct]
    ends = [leg.end_ms for leg in legs] + [trip.ended for trip in trips if trip.ended is not None]
    return {
        "requests": len(trips),
        "completed": completed,
        "service_rate": ratio(completed, len(trips)),
        "outcomes": {name: sum(trip.outcome == name for trip in trips) for name in OUTCOMES},
        "wait_s": spread([t.picked - t.requested for t in trips if t.picked is not None]),
        "time_to_offer_s": spread([t.first_offer - t.requested for t in trips if t.first_offer is not None]),
        "in_vehicle_s": spread([t.dropped - t.picked for t in trips if t.dropped is not None]),
        "detour": math.fsum(detours) / len(detours) if detours else None,
        "utilisation": ratio(busy, shift),
        "deadhead_share": ratio(empty, empty + loaded),
        "occupancy": ratio(rider_mm, loaded),
        "simulated_s": Fraction(max(ends) - run.start, 1000) if ends else None,
    }


def check(run, findings):
    compare(findings, "", figures(run), run.summary)


def compare(findings, path, wanted, stated):
    for key, value in wanted.items():
        name = f"{path}{key}"
        given = stated.get(key, "nothing")
        if isinstance(value, dict):
            compare(findings, f"{name}.", value, given)
            continue
        # Seconds are written with 3 decimals and shares with 6, without trailing zeros.
        places = 3 if name.split(".")[0].endswith("_s") else 6
        findings.expect(f"summary.json: {name}", equal(value, given, places), f"{given}, worked out {show(value)}")


def equal(value, given, places):
    """Whether a stated number is the exact one, rounded to so many decimals; counts are exact."""
    if value is None or given is None or isinstance(given, str):
        return value is None and given is None
    if isinstance(value, int):
        return value == given
    # Half of the last decimal, and what a binary fraction may be off by.
    return abs(Fraction(value) - Fraction(given)) <= Fraction(1, 2 * 10**places) + Fraction(1, 10**10)


def show(value):
    return "nothing" if value is None else str(value) if isinstance(value, int) else f"{float(value):.6f}"
