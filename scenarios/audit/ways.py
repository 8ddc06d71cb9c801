"""Every movement against the streets: no faster than they allow, no other way than the dispatcher believes the fastest."""

from legs import ROUNDING_MM, ROUNDING_MS, Question
from run import MS
from vehicles import MOVING

# From a requested place to the nearest street, found by two programs on maps that are rounded differently.
PLACE_M = 0.25
PLACE_MS = 50


def check(run, findings, streets, judge, every):
    """Every leg that moves, of every `every`th vehicle."""
    counted = {name: n for n, name in enumerate(run.by_vehicle())}
    moved = [leg for leg in run.legs if leg.kind in MOVING and counted[leg.vehicle] % every == 0]
    places = {}

    def standing(place):
        if place not in places:
            places[place] = streets.standing(*place)
        return places[place]

    questions = []
    for leg in moved:
        ends = standing(leg.origin), standing(leg.target)
        findings.expect("a vehicle is on a street", all(ends), lambda: f"{leg}: {leg.target if ends[0] else leg.origin}")
        questions.append(Question(leg.start, leg.end, *ends))
    for leg, answer in zip(moved, judge.answers(questions)):
        if answer is not None:
            one(findings, leg, answer)


def one(findings, leg, answer):
    took = leg.end_ms - leg.start_ms
    findings.expect(
        "a leg takes at least the shortest time at the world's fastest",
        took >= answer.least - ROUNDING_MS,
        lambda: f"{leg}: {took} ms, at least {answer.least:.0f} ms",
    )
    if leg.kind == "cruise":
        return
    ways = [way for way in answer.ways if within(leg.mm, way.mm, ROUNDING_MM)]
    findings.expect(
        "a leg is as long as the way that the dispatcher believes the fastest",
        ways,
        lambda: f"{leg}: {leg.mm} mm, not {spans(way.mm for way in answer.ways)}",
    )
    if not ways:
        return
    findings.expect(
        "a leg takes what the world takes on that way",
        any(within(took, way.world, 2 * ROUNDING_MS) for way in ways),
        lambda: f"{leg}: {took} ms, not {spans(way.world for way in ways)}",
    )


def within(value, span, rounding):
    return span[0] - rounding <= value <= span[1] + rounding


def spans(found):
    return " or ".join(f"{low:.0f} to {high:.0f}" for low, high in sorted(set(found))[:3])


def quotes(run, findings, streets, judge, every):
    """What riders are told at request: the time and length of the fastest way under the network's times of the hour."""
    nearest = {}

    def snapped(place):
        if place not in nearest:
            nearest[place] = streets.nearest(*place)
        return nearest[place]

    check = "direct_s is the fastest way's time at request"
    asked, questions, limit = [], [], run.scenario["snap_m"]
    for trip in run.trips[::every]:
        (origin, near), (target, far) = snapped(trip.pickup), snapped(trip.dropoff)
        far = max(near, far)
        if abs(far - limit) > PLACE_M:
            findings.expect(
                "who asks from or to a place too far from a street is refused, and nobody else",
                (far > limit) == (trip.outcome == "refused"),
                lambda: f"ride {trip.ride} ({trip.outcome}): {far:.1f} m from a street",
            )
        if trip.quoted is None:
            continue
        if one_place(streets, origin) and one_place(streets, target):
            asked.append(trip)
            # At the very instant of a change the command comes before it: the times of the hour before hold, except at
            # the start of the run, before which there are none.
            at = trip.requested_local - (MS if trip.requested > run.start else 0 * MS)
            questions.append(Question(at, at, origin, target))
        else:
            findings.skip(check, "two streets are equally near")
    for trip, answer in zip(asked, judge.answers(questions)):
        ways = [way for way in answer.ways if abs(trip.direct - way.belief) <= ROUNDING_MS + PLACE_MS]
        findings.expect(
            check,
            ways,
            lambda: f"ride {trip.ride}: {trip.direct} ms, not {spans((way.belief, way.belief) for way in answer.ways)}",
        )
        findings.expect("the quote is on the direct way", trip.quoted == trip.direct, lambda: f"ride {trip.ride}")
        if ways:
            findings.expect(
                "quoted_mm is the length of that way",
                any(within(trip.quoted_mm, way.mm, ROUNDING_MM) for way in ways),
                lambda: f"ride {trip.ride}: {trip.quoted_mm} mm, not {spans(way.mm for way in ways)}",
            )


def one_place(streets, places):
    points = [streets.place_m(edge, share) for edge, share, _ in places]
    return all(abs(x - points[0][0]) < PLACE_M and abs(y - points[0][1]) < PLACE_M for x, y in points)


def stops(run, findings, streets):
    """Riders get in and out at the place on a street that is nearest to the one they asked for."""
    trips = {trip.ride: trip for trip in run.trips}
    for leg in run.legs:
        trip = trips.get(leg.ride)
        if trip is None or leg.kind not in ("board", "alight"):
            continue
        if leg.kind == "alight" and trip.outcome != "completed":
            continue
        asked = trip.pickup if leg.kind == "board" else trip.dropoff
        places, _ = streets.nearest(*asked)
        x, y = streets.point(*leg.origin)
        off = min(max(abs(px - x), abs(py - y)) for px, py in (streets.place_m(edge, share) for edge, share, _ in places))
        findings.expect(
            "riders get in and out at the nearest place on a street", off <= PLACE_M, lambda: f"{leg}: {off:.2f} m from it"
        )
