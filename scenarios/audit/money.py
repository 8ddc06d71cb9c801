"""Fares to the cent: the tariff on the quoted time and distance, and who gets what of it. Integers only."""


def half_even(numerator, denominator):
    """The quotient, rounded half to even; `denominator` is positive."""
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient % 2):
        quotient += 1
    return quotient


def fare(tariff, quoted_ms, quoted_mm):
    """base + per km + per minute, rounded once, at least the minimum."""
    # Over the common denominator of 1,000,000 mm a km and 60,000 ms a minute.
    metered = (
        tariff["base_minor"] * 3_000_000
        + tariff["per_km_minor"] * quoted_mm * 3
        + tariff["per_min_minor"] * quoted_ms * 50
    )
    return max(half_even(metered, 3_000_000), tariff["minimum_minor"])


def split(tariff, paid):
    """Driver's pay, tax and platform's share of a fare."""
    tax = half_even(paid * tariff["tax_bp"], 10_000)
    driver = half_even((paid - tax) * tariff["driver_share_bp"], 10_000)
    return driver, tax, paid - tax - driver


def check(run, findings):
    tariff = run.scenario["tariff"]
    total = {"total_minor": 0, "driver_minor": 0, "platform_minor": 0}
    for trip in run.trips:
        given = (trip.fare, trip.driver_pay, trip.platform)
        if trip.outcome in ("completed", "ended_early"):
            wanted = fare(tariff, trip.quoted, trip.quoted_mm)
            findings.expect("a fare is the tariff on the quote", trip.fare == wanted, lambda: f"ride {trip.ride}: {trip.fare}, not {wanted}")
            driver, _, platform = split(tariff, trip.fare)
            same = (driver, platform) == given[1:]
            findings.expect("a fare is split by the tariff", same, lambda: f"ride {trip.ride}: {given[1:]}, not {(driver, platform)}")
            findings.expect("money has the tariff's currency", trip.currency == tariff["currency"], lambda: f"ride {trip.ride}")
        else:
            fee = {"cancelled_after_match": tariff["cancellation_fee_minor"], "no_show": tariff["no_show_fee_minor"]}
            fee = fee.get(trip.outcome, 0)
            paid = trip.fare or 0
            findings.expect("who was not driven pays the fee of the tariff, or nothing", paid == fee, lambda: f"ride {trip.ride}: {paid}, not {fee}")
        for key, amount in zip(total, given):
            total[key] += amount or 0
    for key, amount in total.items():
        stated = run.summary["fares"][key]
        findings.expect(f"fares.{key} is the sum over trips", stated == amount, f"{stated}, not {amount}")
