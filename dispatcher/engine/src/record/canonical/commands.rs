//! Tables of commands. A number 1 to 15 costs a byte less than a higher one.

use super::DecodeError;
use super::field::{Field, Message, Slot, expect, repeated_fields};
use super::table::{message, oneof};
use super::wire::{Input, Wire, Writer};
use crate::record::json::Json;
use crate::record::{Command, Proposal, Proposed, RequestRide, StartShift, Upgrade};
use hansom_geo_index::Millis;

oneof!(Command {
    ReportPositions = 1[pings],
    Tick = 2,
    Propose = 3[proposal],
    RequestRide = 4[request],
    AcceptOffer = 5 { driver = 1, ride = 2, epoch = 3, session = 4 },
    DeclineOffer = 6 { driver = 1, ride = 2, epoch = 3, session = 4 },
    ArriveAtPickup = 7 { driver = 1, ride = 2, session = 3 },
    BoardRider = 8 { driver = 1, ride = 2, session = 3 },
    EndTrip = 9 { driver = 1, ride = 2, place = 3, session = 4 },
    CancelRide = 10 { ride = 1 },
    CancelByDriver = 11 { driver = 1, ride = 2, session = 3 },
    StartShift = 12[shift],
    EndShift = 13 { driver = 1, session = 2 },
    Resume = 14 { since = 1 },
    Upgrade = 15[upgrade],
    Checkpoint = 16 { slice = 1 },
    OpenSession = 17 { driver = 1 },
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
/// Its settings are full of spans, which are not counted from the time of a turn, though the message stands in events too.
impl Message for Upgrade {
    fn write(&self, writer: &mut Writer) {
        let epoch = std::mem::replace(&mut writer.epoch, Millis::ZERO);
        Field::write(&self.logic_version, 1, writer);
        Field::write(&self.settings, 2, writer);
        writer.epoch = epoch;
    }

    fn read(input: &mut Input) -> Result<Self, DecodeError> {
        let epoch = std::mem::replace(&mut input.epoch, Millis::ZERO);
        let (mut logic_version, mut settings) = (Slot::new(), Slot::new());
        while let Some((number, wire)) = input.field()? {
            match number {
                1 => logic_version.merge(wire, input)?,
                2 => settings.merge(wire, input)?,
                _ => input.skip(wire)?,
            }
        }
        let logic_version = logic_version.finish(input, "Upgrade", "logic_version")?;
        let settings = settings.finish(input, "Upgrade", "settings")?;
        input.epoch = epoch;
        Ok(Self { logic_version, settings })
    }

    fn json(&self, json: &mut Json) {
        json.key("logic_version");
        Field::json(&self.logic_version, json);
        json.key("settings");
        Field::json(&self.settings, json);
    }
}
