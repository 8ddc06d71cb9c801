//! What clients see of what was released.

use super::Audit;
use crate::client::{Deed, Down, SeenDriver, SeenRide, SeenStop, Wish};
use hansom_engine::domain::StopKind;
use hansom_engine::lifecycle::ride::Status;
use hansom_engine::lifecycle::session;
use hansom_engine::state::{Driver, Ride};
use hansom_engine::{Name, Offset};

impl Audit {
    /// What a client sees.
    pub fn look(&self, wish: &Wish) -> Down {
        match wish {
            Wish::Ride(key) => {
                let ride = self.requests.get(key).and_then(|id| self.state.rides().get(*id));
                Down::Ride(
                    *key,
                    ride.map(|ride| SeenRide {
                        number: ride.id.0,
                        over: !ride.is_open(),
                        aboard: matches!(ride.status, Status::OnBoard(_)),
                        in_hand: self.in_hand(ride),
                    }),
                    Offset(self.durable()),
                )
            }
            Wish::Driver(name) => Down::Driver(self.driver(name)),
        }
    }

    /// Whether a ride comes to an end without its rider: it has a driver or an offer, used all its offers, or suits somebody
    /// who is on shift.
    fn in_hand(&self, ride: &Ride) -> bool {
        let suits = |driver: &Driver| {
            driver.session == session::Status::On
                && driver.seats >= ride.seats
                && driver.class == ride.class
                && !ride.blocked.contains(&driver.id)
        };
        ride.status != Status::Searching || self.state.fleet().drivers().any(suits)
    }

    fn driver(&self, name: &str) -> Option<SeenDriver> {
        let name = Name::from(name);
        let driver = self.state.fleet().drivers().find(|driver| driver.name == name)?;
        let network = &self.setting.streets.network;
        let offered = driver.offered.and_then(|id| self.state.rides().get(id)).and_then(|ride| {
            let (_, deadline) = ride.timer?;
            Some((ride.id.0, ride.offer?.epoch.0, deadline))
        });
        let next = driver.plan.next().and_then(|stop| {
            let deed = match (stop.kind, self.state.rides().get(stop.ride)?.status) {
                (StopKind::Pickup, Status::Waiting(_)) => Deed::Board,
                (StopKind::Pickup, _) => Deed::Arrive,
                (StopKind::Dropoff, _) => Deed::End,
            };
            Some(SeenStop { ride: stop.ride.0, deed, place: network.coord(stop.place) })
        });
        Some(SeenDriver {
            on_shift: driver.session != session::Status::Off,
            session: driver.device.0,
            next_turn: Offset(self.durable()),
            seq: driver.seq,
            offered,
            next,
            newest: self.state.rides().next_id().0.saturating_sub(1),
        })
    }
}
