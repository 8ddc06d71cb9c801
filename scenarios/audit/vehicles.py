"""A vehicle is in one place at a time, all through its shift, and carries whom the trips say."""

from run import instant, ms, rows

MOVING = ("empty", "loaded", "cruise")
STANDING = ("stand", "board", "alight")
OF_A_RIDE = ("empty", "loaded", "board", "alight")


def check(run, findings):
    shifts = planned_shifts(run)
    trips = {trip.ride: trip for trip in run.trips}
    vehicles = run.by_vehicle()
    missing = shifts.keys() - vehicles.keys() if shifts else []
    findings.expect("every vehicle has a shift", not missing, lambda: f"no row of {sorted(missing)[:5]}")
    for name, legs in vehicles.items():
        for leg in legs:
            one_leg(findings, leg, trips)
        for before, after in zip(legs, legs[1:]):
            gap = after.start_ms - before.end_ms
            findings.expect("a vehicle is not in two places", gap >= 0, lambda: f"{after}: {-gap} ms before the last row ended")
            findings.expect("a shift has no hole", gap <= 0, lambda: f"{after}: {gap} ms after the last row ended")
            findings.expect("a leg starts where the last one ended", after.origin == before.target, lambda: str(after))
        start, end = (shifts or {}).get(name, (None, None))
        first, last = legs[0], legs[-1]
        if start is not None:
            findings.expect("a shift starts when it should", first.start_ms == max(start, run.start), lambda: str(first))
        if end is not None:
            # A committed ride is finished after the shift's end.
            late = last.end_ms == end or (last.end_ms > end and last.start_ms <= end) or busy_after(legs, end)
            findings.expect("a shift ends when it should", late, lambda: f"{last} until {last.end.isoformat()}")
        aboard(findings, run, legs, trips)
    carried(findings, run)


def planned_shifts(run):
    """Start and end of each vehicle's shift; an end of None is the run's."""
    supply = run.scenario["supply"]
    if "file" in supply:
        shifts = {}
        for row in rows(supply["file"]):
            end = instant(row["end"])
            shifts[row["vehicle_id"]] = (ms(instant(row["start"])), None if end is None else ms(end))
        count = supply.get("vehicles", len(shifts))
        return dict(list(shifts.items())[:count])
    moment = lambda key: None if key not in supply else ms(instant(str(supply[key])))
    start, end = moment("shift_start"), moment("shift_end")
    return {f"v{n}": (run.start if start is None else start, end) for n in range(supply["vehicles"])}


def busy_after(legs, end):
    """Whether all that is done after `end` is for a ride."""
    return all(leg.ride for leg in legs if leg.start_ms > end)


def one_leg(findings, leg, trips):
    findings.expect("a row is of a known kind", leg.kind in MOVING + STANDING, lambda: str(leg))
    findings.expect("a row does not end before it starts", leg.start_ms <= leg.end_ms, lambda: str(leg))
    still = leg.origin == leg.target and leg.mm == 0
    findings.expect("who stands does not move", leg.kind in MOVING or still, lambda: f"{leg}: {leg.mm} mm")
    findings.expect("who drives for a ride names it", leg.kind not in OF_A_RIDE or leg.ride in trips, lambda: str(leg))
    findings.expect("who cruises does so for no ride", leg.kind != "cruise" or leg.ride == "", lambda: str(leg))


def aboard(findings, run, legs, trips):
    """Riders in the vehicle at any time have seats, and those of one ride leave as they came."""
    seats = run.scenario["supply"].get("seats", 4)
    if "file" in run.scenario["supply"]:
        seats = 255
    riders = {}
    for leg in legs:
        # A boarding that is broken off (the ride went to another driver) leaves nobody in the vehicle.
        if leg.kind == "board" and leg.ride in trips and trips[leg.ride].picked == leg.end_ms:
            riders[leg.ride] = trips[leg.ride].seats
        fits = sum(riders.values()) <= seats
        findings.expect("riders have seats", fits, lambda: f"{leg}: {sum(riders.values())} riders, {seats} seats")
        if leg.kind == "loaded":
            findings.expect("who is driven has boarded", leg.ride in riders, lambda: str(leg))
        if leg.kind in ("empty", "cruise"):
            findings.expect("nobody is aboard an empty vehicle", not riders, lambda: f"{leg}: with {sorted(riders)}")
        if leg.kind == "alight" or (leg.ride in riders and leg.kind == "loaded" and ends(trips, leg)):
            riders.pop(leg.ride, None)


def ends(trips, leg):
    """Whether the ride is over when this leg is, or before: no row says that the rider got out."""
    trip = trips.get(leg.ride)
    return trip is not None and trip.dropped is not None and trip.dropped <= leg.end_ms


def carried(findings, run):
    """What trips say of vehicles."""
    rides = {}
    for leg in run.legs:
        if leg.ride and leg.kind in ("board", "loaded", "alight"):
            rides.setdefault(leg.ride, []).append(leg)
    for trip in run.trips:
        legs = sorted(rides.get(trip.ride, []), key=lambda leg: leg.start_ms)
        for before, after in zip(legs, legs[1:]):
            alone = before.end_ms <= after.start_ms
            findings.expect("a rider is not in two vehicles", alone, lambda: f"{after}: {before} has not ended")
        loaded = [leg for leg in legs if leg.kind == "loaded"]
        boards = [leg for leg in legs if leg.kind == "board"]
        if trip.picked is None:
            findings.expect("who is not picked up is not driven", not loaded, lambda: f"ride {trip.ride}")
            continue
        at = [leg for leg in boards if leg.end_ms == trip.picked]
        findings.expect("who is picked up boards at that time, once", len(at) == 1, lambda: f"ride {trip.ride}: {len(at)} times")
        driver = {leg.driver for leg in loaded + at}
        findings.expect("a ride is driven by its driver alone", driver <= {trip.driver}, lambda: f"ride {trip.ride}: {driver}")
        mm = sum(leg.mm for leg in loaded)
        findings.expect("distance_m is what the vehicle drove with the rider", mm == trip.distance, lambda: f"ride {trip.ride}: {mm} mm")
        inside = all(trip.picked <= leg.start_ms and (trip.dropped is None or leg.end_ms <= trip.dropped) for leg in loaded)
        findings.expect("a rider is driven between pickup and dropoff", inside, lambda: f"ride {trip.ride}")
