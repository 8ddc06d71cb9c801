//! Tables of events. Numbers 1, 3 and 15 are short forms ([`super::short`]); one up to 15 costs a byte less than a higher
//! one.

use super::DecodeError;
use super::field::{Field, Message, Slot, expect};
use super::table::{message, oneof};
use super::wire::{Input, Wire, Writer};
use crate::record::json::Json;
use crate::record::{Event, Fix, OfferMade, RideRequested, Settlement, ShiftStarted};

oneof!(Event {
    LegPlanned = 2 { driver = 1, origin = 2, target = 3, weights = 4, eta_ms = 5 },
    RideRequested = 4[request],
    MatchingScheduled = 5 { due = 1 },
    MatchingDue = 6 { basis = 1, retry = 2 },
    ProposalTaken = 7 { basis = 1, applied = 2, stale = 3 },
    OfferMade = 8[offer],
    OfferAccepted = 9 { ride = 1, driver = 2, epoch = 3, promised = 4, slip_at = 5 },
    DriverArrived = 10 { ride = 1, driver = 2, until = 3 },
    RiderBoarded = 11 { ride = 1, driver = 2 },
    RideEnded = 12 { ride = 1, outcome = 2, driver = 3, place = 4 },
    Settled = 13[settlement],
    RideRetired = 14 { ride = 1 },
    Refused = 16 { reason = 1 },
    Repeated = 17 { first = 1 },
    ShiftStarted = 18[shift],
    ShiftFinishing = 19 { driver = 1 },
    ShiftEnded = 20 { driver = 1 },
    DriverMoved = 21 { driver = 1, seq = 2, age_ms = 3, clamped = 4, coord = 5, fix = 6 },
    PingRefused = 22 { driver = 1, seq = 2, reason = 3 },
    DriverChainable = 23 { driver = 1 },
    ChainDeferred = 24 { driver = 1, until = 2 },
    DriverWarned = 25 { driver = 1, until = 2 },
    DriverDark = 26 { driver = 1 },
    RequestRefused = 27 { ride = 1, reason = 2 },
    OfferDeclined = 28 { ride = 1, driver = 2, epoch = 3 },
    OfferExpired = 29 { ride = 1, driver = 2, epoch = 3 },
    OfferWithdrawn = 30 { ride = 1, driver = 2, epoch = 3 },
    RideExhausted = 31 { ride = 1 },
    RideReviewed = 32 { ride = 1, until = 2 },
    RideReleased = 33 { ride = 1, driver = 2, cause = 3 },
    KeysExpired = 34 { before = 1 },
    WeightsActivated = 35 { version = 1 },
    MatchingIdle = 36,
    SlipPassed = 37 { ride = 1 },
    Keyed = 38 { key = 1, fingerprint = 2, offset = 3, ride = 4 },
    SilenceRearmed = 39 { driver = 1, until = 2 },
    Resumed = 40 { gap_ms = 1 },
    Upgraded = 41[upgrade],
    Checkpoint = 42 { slice = 1, digest = 2 },
    Poisoned = 43 { step = 1 },
    SessionOpened = 44 { driver = 1, session = 2 },
    DriverKept = 45 { driver = 1, until = 2 },
    DriverForgotten = 46 { driver = 1 },
});

oneof!(Fix { Kept = 1, Anchored = 2(place), OnRoute = 3 { cursor = 1, place = 2 }, OffRoute = 4(place) });

message!(ShiftStarted {
    driver = 1,
    name = 2,
    coord = 3,
    place = 4,
    seats = 5,
    class = 6,
    autonomous = 7,
    until = 8,
    home = 9,
    rating = 10,
});
message!(RideRequested {
    ride = 1,
    rider = 2,
    pickup = 3,
    dropoff = 4,
    seats = 5,
    class = 6,
    tier = 7,
    blocked = 8,
    weights = 9,
    direct_ms = 10,
    direct_mm = 11,
    fare = 12,
    first_eta_ms = 13,
    review_at = 14,
});
message!(OfferMade {
    ride = 1,
    driver = 2,
    epoch = 3,
    deadline = 4,
    pickup_eta_ms = 5,
    chained = 6,
    weights = 7,
    terms = 8,
});
message!(Settlement { ride = 1, cause = 2, entries = 3 });
