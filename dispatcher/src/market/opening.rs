//! How a market is opened: read back from its log, given its planner, and rid of drivers who are elsewhere.

use std::sync::Arc;
use std::time::Instant;

use hansom_engine::lifecycle::ride::Status;
use hansom_engine::lifecycle::session;
use hansom_engine::{Command, Offset};
use hansom_geo_index::Millis;
use hansom_market::Market;
use hansom_market::ingest::Names;
use hansom_market::log::Outlet;
use hansom_market::planning::{External, Miss, Plan};
use hansom_market::recovery::{self, Keep, Report, Took};
use tracing::{error, info, warn};

use super::{Found, MarketActor, Serving, Spec};
use crate::answer::Cause;
use crate::positions::Positions;
use crate::release::{Durable, Opened, Outbox};
use crate::shared::Shared;

impl MarketActor {
    /// Reads the market back from its log, or begins it.
    pub(super) fn opened(&self) -> Result<Serving, Cause> {
        // Offsets that were not durable are given out again: nobody from before may wait for them.
        self.shared.acks.fail();
        self.shared.decisions.clear();
        let Spec { header, streets, folder, clock, keep_positions, .. } = &self.spec;
        let outlet = outlet(&self.outbox, &self.shared);
        // Positions that are older than so and a quarter leave the log, however little is written.
        let segment_age = Some(Millis(keep_positions.0 / 4));
        let keep = Keep { log: hansom_market::log::Durable { segment_age, ..Default::default() }, ..Keep::default() };
        let recovery::Opened { market, follower, report } =
            recovery::open(folder, header, streets, clock.now(), keep, outlet)?;
        self.tell(&report);
        self.shared.clock.go_on_from(market.now());
        let shared = self.shared.clone();
        let mut market = market.plan_beside(self.planner(), Box::new(move || shared.lanes.nudge()));
        if let Some(rules) = self.spec.rules {
            market = market.decide_by(rules);
        }
        let state = market.state();
        let mut names = Names::of(state, self.spec.streets.network.clone());
        let opened = Opened {
            names: names.clone(),
            open_requests: state.rides().iter().filter(|ride| !matches!(ride.status, Status::Ended(_))).count() as i64,
            drivers: state.fleet().drivers().filter(|driver| driver.session != session::Status::Off).count() as i64,
        };
        self.outbox.try_send(Durable::Opened(Box::new(opened))).map_err(|_| Cause::Stuck)?;
        self.let_go(&mut market, &mut names)?;
        let checked = (Instant::now(), market.turns());
        Ok(Serving { market, names, positions: Positions::new(), follower, checked, found: Found::default() })
    }

    /// Ends the shifts of those who are on shift in another market, which was opened before, or to which they went while this one
    /// was closed.
    fn let_go(&self, market: &mut Market, names: &mut Names) -> Result<(), Cause> {
        let on_shift = market.state().fleet().drivers().filter(|driver| driver.session != session::Status::Off);
        let on_shift = on_shift.map(|driver| (&driver.name, driver.session == session::Status::Finishing));
        let elsewhere = self.shared.shifts.open(&self.shared.name, on_shift, Offset(market.turns()));
        if !elsewhere.is_empty() {
            let drivers = elsewhere.len();
            warn!(market = %self.shared.name, drivers, "drivers are on shift in another market: their shifts end in this one");
        }
        for name in elsewhere {
            let driver = names.driver_id(&name).and_then(|driver| market.state().fleet().get(driver));
            if let Some((driver, session)) = driver.map(|driver| (driver.id, driver.device)) {
                names.learn(market.submit(self.shared.clock.now(), None, Command::EndShift { driver, session })?);
            }
        }
        Ok(())
    }

    /// Who answers its matching problems. An answer of a program outside that is not taken is kept in quarantine.
    fn planner(&self) -> Box<dyn Plan> {
        let Spec { planner, streets, .. } = &self.spec;
        let Some(place) = planner else { return Box::new(streets.planner()) };
        let shared = self.shared.clone();
        let missed = move |Miss { at, why, answer, .. }: Miss| {
            warn!(market = %shared.name, %why, "the planner's answer was not taken: the rides wait for the next window");
            if !answer.is_empty() {
                shared.quarantine.put(why.to_string(), "planner", at, answer);
                if let Err(fault) = shared.quarantine.settle() {
                    error!(market = %shared.name, %fault, "a planner's answer could not be kept");
                }
            }
        };
        Box::new(External::new(place.clone(), streets, Box::new(missed)))
    }

    /// Says how the market was opened.
    fn tell(&self, report: &Report) {
        let name = &self.shared.name;
        if let Some(cut) = &report.repaired {
            let (segment, kept) = (cut.segment.display(), cut.kept.display());
            warn!(market = %name, %segment, byte = cut.byte, bytes = cut.bytes, %kept, "the log's end was not written whole and was cut off");
        }
        for bad in &report.passed_over {
            warn!(market = %name, snapshot = %bad.path.display(), why = %bad.why, "a snapshot cannot be used");
        }
        let snapshot = report.snapshot.map_or(0, |next| next.0);
        let (folded, next, gap_ms) = (report.folded, report.next.0, report.gap.0);
        let upgraded = report.is_upgraded;
        let Took { snapshot_ms, fold_ms, follow_ms, resume_ms } = report.took;
        info!(market = %name, new = report.is_new, snapshot, folded, next, gap_ms, upgraded, snapshot_ms, fold_ms, follow_ms, resume_ms, "recovered");
    }
}

/// The way of durable turns from the log's thread, which waits for room.
fn outlet(outbox: &Outbox, shared: &Arc<Shared>) -> Outlet {
    let (outbox, shared) = (outbox.clone(), shared.clone());
    Box::new(move |durable| {
        let durable = durable.map_or_else(Durable::Failed, |turns| Durable::Turns(turns, Instant::now()));
        let told = outbox.blocking_send(durable);
        if told.is_err() {
            shared.release_failed();
        }
    })
}
