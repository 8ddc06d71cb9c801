//! What a log says about itself before its first turn.

use super::canonical::DecodeError;
use super::canonical::field::{Field, Message, Slot};
use super::canonical::table::message;
use super::canonical::wire::{Input, Writer};
use super::json::Json;
use crate::domain::Settings;
use hansom_geo_index::{Coord, Millis, Network};

/// Version of the record format: of the tables behind [`canonical`](super::canonical). A log of a higher one is refused.
pub const FORMAT_VERSION: u32 = 1;

/// Version of the rules: of what `decide` answers. Turns of another version are folded, never decided again.
pub const LOGIC_VERSION: u32 = 2;

/// What holds for every turn of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// [`LOGIC_VERSION`] of the writer.
    pub logic_version: u32,
    /// BLAKE3 of the network that the market runs on.
    pub network_hash: [u8; 32],
    /// What the places of pings are counted from.
    pub origin: Coord,
    /// The market's settings.
    pub settings: Settings,
    /// The market's time at its start.
    pub started_at: Millis,
    /// Name of the scenario or market.
    pub name: String,
    /// The seed of a simulated world; 0 where there is none.
    pub seed: u64,
    /// How long a planner's answer takes, ms, in a simulation.
    pub planner_latency: Millis,
    /// The resolved scenario, TOML; may be empty.
    pub scenario: String,
}

message!(Header {
    format_version = 1,
    logic_version = 2,
    network_hash = 3,
    origin = 4,
    settings = 5,
    started_at = 6,
    name = 7,
    seed = 8,
    planner_latency = 9,
    scenario = 10,
});

/// What the places of a header are counted from.
const ZERO: Coord = Coord { lat: 0, lon: 0 };

impl Header {
    /// That of a market on `network` that starts at `started_at`: of no scenario, its planner answers at once.
    pub fn new(name: &str, network: &Network, settings: Settings, started_at: Millis) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            logic_version: LOGIC_VERSION,
            network_hash: network.id(),
            origin: network.projection().origin,
            settings,
            started_at,
            name: name.to_owned(),
            seed: 0,
            planner_latency: Millis::ZERO,
            scenario: String::new(),
        }
    }

    /// Its canonical bytes: the message `Header` of `proto/hansom/log/v1/turn.proto`.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        Message::write(self, &mut Writer::new(&mut out, ZERO));
        out
    }

    /// The header of these bytes. That its versions are known is for the caller to check.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::read(&mut Input::new(bytes, ZERO, Vec::new()))
    }
}
