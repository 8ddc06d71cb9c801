//! Tables of commands. A number 1 to 15 costs a byte less than a higher one.

use super::DecodeError;
use super::field::{Field, Message, Slot, expect, repeated_fields};
use super::table::{message, oneof};
use super::wire::{Input, Wire, Writer};
use crate::record::json::Json;
use crate::record::{Command, Proposal, Proposed, RequestRide, StartShift};

oneof!(Command {
    ReportPositions = 1[pings],
    Tick = 2,
    Propose = 3[proposal],
    RequestRide = 4[request],
    AcceptOffer = 5 { driver = 1, ride = 2, epoch = 3 },
    DeclineOffer = 6 { driver = 1, ride = 2, epoch = 3 },
    ArriveAtPickup = 7 { driver = 1, ride = 2 },
    BoardRider = 8 { driver = 1, ride = 2 },
    EndTrip = 9 { driver = 1, ride = 2, place = 3 },
    CancelRide = 10 { ride = 1 },
    CancelByDriver = 11 { driver = 1, ride = 2 },
    StartShift = 12[shift],
    EndShift = 13 { driver = 1 },
});

message!(StartShift {
    driver = 1,
    place = 2,
    seats = 3,
    class = 4,
    autonomous = 5,
    until = 6,
    home = 7,
    rating = 8,
});
message!(RequestRide { rider = 1, pickup = 2, dropoff = 3, seats = 4, class = 5, tier = 6, blocked = 7 });
message!(Proposal { basis = 1, changes = 2 });
message!(Proposed { ride = 1, driver = 2, pickup_eta_ms = 3, terms = 4 });
repeated_fields!(Vec<Proposed>);
