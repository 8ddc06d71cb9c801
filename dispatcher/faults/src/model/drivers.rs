//! Shifts, positions, silence.

use super::tables::{Comms, Driver, Shift};
use super::{Course, Model};
use crate::broken::{Broken, Checked, Promise, ensure};
use hansom_engine::Command;
use hansom_engine::record::{Fix, PingRefusal, ShiftStarted};
use hansom_geo_index::{Coord, Millis};

/// Numbers that differ by a multiple of this are of drivers who had the same place, one after the other.
const PLACES: u32 = 1 << 20;

impl Model {
    pub(super) fn shift_started(&mut self, e: &ShiftStarted) -> Checked {
        let started = Driver::start(e, self.at);
        self.is_near(e.coord, e.place)?;
        let id = e.driver.0;
        if !self.drivers.contains_key(&id) {
            let place = |id: u32| id % PLACES;
            let is_taken = self.drivers.keys().any(|known| place(*known) == place(id));
            let is_next = place(id) as usize <= self.drivers.len();
            ensure(!is_taken && is_next, Promise::Answer, || format!("driver {id} is at no place of his own"))?;
        }
        self.drivers.insert(id, started);
        Ok(())
    }

    /// He was off shift for as long as drivers are remembered.
    pub(super) fn forgotten(&mut self, id: u32) -> Checked {
        let (at, life) = (self.at, self.settings.driver_life);
        let off_for = self.driver(id)?.off_since.map(|since| at - since);
        let may = life > Millis::ZERO && off_for.is_some_and(|off_for| off_for > life);
        ensure(may, Promise::Deadline, || format!("driver {id} is forgotten after {off_for:?}"))?;
        self.drivers.remove(&id);
        Ok(())
    }

    pub(super) fn session_opened(&mut self, id: u32, session: u32) -> Checked {
        let driver = self.driver(id)?;
        let next = driver.session + 1;
        let may = driver.shift != Shift::Off && session == next;
        ensure(may, Promise::Answer, || format!("session {next} of driver {id} comes next"))?;
        (driver.session, driver.seq) = (session, 0);
        Ok(())
    }

    /// From which session the ping is that is decided.
    pub(super) fn session_of_ping(course: &mut Course<'_>, id: u32, seq: u32) -> Checked<u32> {
        let ping = match &course.turn.command {
            Command::ReportPositions(pings) => pings.get(course.pings),
            _ => None,
        };
        course.pings += 1;
        match ping {
            Some(ping) if (ping.driver.0, ping.seq) == (id, seq) => Ok(ping.session.0),
            other => Err(Broken::new(Promise::Answer, format!("the next position is {other:?}"))),
        }
    }

    pub(super) fn shift_finishing(&mut self, id: u32) -> Checked {
        let driver = self.driver(id)?;
        let may = driver.shift == Shift::On && !driver.held.is_empty();
        ensure(may, Promise::Answer, || "there is nothing to finish".into())?;
        driver.shift = Shift::Finishing;
        Ok(())
    }

    pub(super) fn shift_ended(&mut self, course: &Course<'_>, id: u32) -> Checked {
        let by_order =
            course.begun && matches!(course.turn.command, Command::EndShift { driver, .. } if driver.0 == id);
        let (at, life) = (self.at, self.settings.driver_life);
        let driver = self.driver(id)?;
        let is_gone = life > Millis::ZERO && at - driver.heard > life;
        let ends = driver.shift == Shift::Finishing || driver.shift == Shift::On && (by_order || is_gone);
        let is_free = driver.held.is_empty() && driver.offered.is_none();
        ensure(ends && is_free, Promise::Answer, || format!("the shift goes on: {driver:?}"))?;
        (driver.shift, driver.off_since) = (Shift::Off, Some(at));
        Ok(())
    }

    pub(super) fn has_something_to_do(&mut self, id: u32) -> Checked {
        let idle = self.driver(id)?.held.is_empty();
        ensure(!idle, Promise::Deadline, || format!("driver {id} has nothing to do"))
    }

    pub(super) fn moved(&mut self, course: &mut Course<'_>, id: u32, seq: u32, (coord, fix): (Coord, Fix)) -> Checked {
        let session = Self::session_of_ping(course, id, seq)?;
        let at = self.at;
        let driver = self.driver(id)?;
        let current = driver.shift != Shift::Off && session == driver.session && seq > driver.seq;
        ensure(current, Promise::Answer, || "a stale position".into())?;
        (driver.seq, driver.heard, driver.comms) = (seq, at, Comms::Live);
        self.placed(id, coord, fix)
    }

    pub(super) fn ping_refused(&mut self, course: &mut Course<'_>, id: u32, seq: u32, reason: PingRefusal) -> Checked {
        let session = Self::session_of_ping(course, id, seq)?;
        let right = match self.drivers.get(&id) {
            None => reason == PingRefusal::UnknownDriver,
            Some(driver) if driver.shift == Shift::Off => reason == PingRefusal::OffShift,
            Some(driver) if session < driver.session => reason == PingRefusal::Superseded,
            Some(driver) if session > driver.session => reason == PingRefusal::NotOpened,
            Some(driver) if seq <= driver.seq => reason == PingRefusal::OutOfOrder,
            // Whether a place is near a street is a matter of the network.
            Some(_) => matches!(reason, PingRefusal::Teleport | PingRefusal::OffStreet),
        };
        ensure(right, Promise::Answer, || format!("refused as {reason:?}"))
    }

    pub(super) fn warned(&mut self, id: u32, until: Millis) -> Checked {
        let (at, settings) = (self.at, &self.settings);
        let (warn, redispatch) = (settings.silence_warn, settings.silence_redispatch);
        let driver = self.driver(id)?;
        let silent = at - driver.heard;
        let holds = driver.comms == Comms::Live && !driver.held.is_empty() && silent >= warn;
        ensure(holds, Promise::Deadline, || format!("driver {id} was silent for {silent:?} only"))?;
        ensure(until >= driver.heard + redispatch, Promise::Deadline, || "too little time to answer".into())?;
        driver.comms = Comms::Warned { until };
        Ok(())
    }

    pub(super) fn dark(&mut self, id: u32) -> Checked {
        let at = self.at;
        let driver = self.driver(id)?;
        let Comms::Warned { until } = driver.comms else {
            return Err(Broken::new(Promise::Deadline, "given up without a warning"));
        };
        ensure(until < at && !driver.held.is_empty(), Promise::Deadline, || "given up too early".into())?;
        driver.comms = Comms::Dark;
        Ok(())
    }
}
