//! Orders from outside: what a person's or a driver's device asks for, with the outside's names.

use super::field::{Rating, RideRef};
use super::table::{kinds, record};
use hansom_engine::{Epoch, Name};
use hansom_geo_index::{Coord, Millis};

kinds! {
    /// The body of an order.
    Body: "hansom.command." {
        StartShift = "start_shift.v1",
        OpenSession = "open_session.v1",
        EndShift = "end_shift.v1",
        RequestRide = "request_ride.v1",
        CancelRide = "cancel_ride.v1",
        AcceptOffer = "accept_offer.v1",
        DeclineOffer = "decline_offer.v1",
        ArriveAtPickup = "arrive_at_pickup.v1",
        BoardRider = "board_rider.v1",
        EndTrip = "end_trip.v1",
        CancelByDriver = "cancel_by_driver.v1",
    }
}

record! {
    /// A driver goes on shift with a vehicle.
    StartShift {
        /// The outside's name of the driver.
        driver: Name,
        /// Where the vehicle is.
        place: Coord,
        /// Seats for riders.
        seats: u8 = 4,
        /// Vehicle class; a ride asks for one class.
        class: u8 = 0,
        /// Whether the vehicle drives itself and takes every offer.
        autonomous: bool = false,
        /// When the driver means to stop: no pickup is promised beyond it.
        until: Option<Millis>,
        /// Where the driver lives: rides that lead there may be preferred.
        home: Option<Coord>,
        /// The driver's rating in hundredths of a star.
        rating: Rating = Rating(500),
    }
}

record! {
    /// Another device takes over for a driver on shift: the fact `session_opened` says the number of its session, and what
    /// older ones send is refused from then on.
    OpenSession {
        /// Who.
        driver: Name,
    }
}

record! {
    /// A driver ends the shift; promised rides are finished first.
    EndShift {
        /// Who.
        driver: Name,
        /// From which of the driver's sessions: 1 is the first of a shift.
        session: u32 = 1,
    }
}

record! {
    /// A rider asks for a ride.
    RequestRide {
        /// The outside's name of the rider.
        rider: Name,
        /// Where the rider wants to get in.
        pickup: Coord,
        /// Where the rider wants to get out.
        dropoff: Coord,
        /// Seats needed.
        seats: u8 = 1,
        /// Vehicle class wanted.
        class: u8 = 0,
        /// Tier of the rider; a higher one is served first as far as the market's weights say.
        tier: u8 = 0,
        /// Drivers that this rider shall not meet. Those who never were on shift in this market are passed over.
        blocked: Vec<Name>,
    }
}

record! {
    /// The rider cancels.
    CancelRide {
        /// Which ride: its number, or the id of the command that asked for it.
        ride: RideRef,
    }
}

record! {
    /// A driver takes an offer.
    AcceptOffer {
        /// Who.
        driver: Name,
        /// Which ride: its number, or the id of the command that asked for it.
        ride: RideRef,
        /// Which of its offers, as the offer says.
        epoch: Epoch,
        /// From which of the driver's sessions: 1 is the first of a shift.
        session: u32 = 1,
    }
}

record! {
    /// A driver turns an offer down.
    DeclineOffer {
        /// Who.
        driver: Name,
        /// Which ride: its number, or the id of the command that asked for it.
        ride: RideRef,
        /// Which of its offers, as the offer says.
        epoch: Epoch,
        /// From which of the driver's sessions: 1 is the first of a shift.
        session: u32 = 1,
    }
}

record! {
    /// A driver is at the pickup.
    ArriveAtPickup {
        /// Who.
        driver: Name,
        /// For which ride: its number, or the id of the command that asked for it.
        ride: RideRef,
        /// From which of the driver's sessions: 1 is the first of a shift.
        session: u32 = 1,
    }
}

record! {
    /// The rider is in the vehicle.
    BoardRider {
        /// Whose vehicle.
        driver: Name,
        /// Which ride: its number, or the id of the command that asked for it.
        ride: RideRef,
        /// From which of the driver's sessions: 1 is the first of a shift.
        session: u32 = 1,
    }
}

record! {
    /// The rider is out of the vehicle.
    EndTrip {
        /// Whose vehicle.
        driver: Name,
        /// Which ride: its number, or the id of the command that asked for it.
        ride: RideRef,
        /// Where.
        place: Coord,
        /// From which of the driver's sessions: 1 is the first of a shift.
        session: u32 = 1,
    }
}

record! {
    /// A driver gives a ride back before the pickup.
    CancelByDriver {
        /// Who.
        driver: Name,
        /// Which ride: its number, or the id of the command that asked for it.
        ride: RideRef,
        /// From which of the driver's sessions: 1 is the first of a shift.
        session: u32 = 1,
    }
}
