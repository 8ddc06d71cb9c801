//! The actor of a market: its only writer, a thin shell that brings it the time, its commands and its wakeups.

mod opening;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, SpawnHandle, StreamHandler, Supervised};
use hansom_engine::record::Header;
use hansom_engine::steps::Rules;
use hansom_engine::{Command, Event, Offset};
use hansom_geo_index::Millis;
use hansom_market::follower::{self, Following};
use hansom_market::ingest::Names;
use hansom_market::log::LogError;
use hansom_market::planning::Outlying;
use hansom_market::{Market, Streets};
use tracing::{error, info, warn};

use crate::acks::Times;
use crate::answer::{Cause, NotTaken, Standing};
use crate::clock::{Look, WallClock};
use crate::events::KEEP_TOLD_BYTES;
use crate::halts::{Halts, REOPEN_AFTER};
use crate::lanes::{Waiting, Work};
use crate::positions::Positions;
use crate::release::Outbox;
use crate::retention::{self, Retention};
use crate::shared::Shared;

/// Commands taken before positions get their turn and other messages are looked at.
const BATCH: usize = 256;
/// A market looks for its next deadline no farther ahead than this, and looks again then.
const HORIZON: Millis = Millis::from_secs(1);

/// So often a market at work says what it knows, a slice at a time …
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// … and so often a large one, whose slices are a sixteenth of that: all of it is compared before the last snapshot from before
/// a difference is gone.
const CHECK_LARGE_EVERY: Duration = Duration::from_micros(62_500);

/// The follower is looked after this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Positions that were shed are told no more often than this; the figures have them at once.
const TELL_SHED_EVERY: Duration = Duration::from_secs(10);

/// What a market is opened with.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its name, settings and network.
    pub header: Header,
    /// Its streets.
    pub streets: Streets,
    /// The folder for its log.
    pub folder: PathBuf,
    /// The program that plans for it; `None`: its own planner does.
    pub planner: Option<Outlying>,
    /// The time by which it stamps.
    pub clock: WallClock,
    /// The most commands that may wait for it.
    pub capacity: usize,
    /// How long positions stay in its log.
    pub keep_positions: Millis,
    /// How many bytes of what it told stay in memory.
    pub keep_told_bytes: usize,
    /// Other rules than the engine's, in which a test planted a fault.
    pub rules: Option<Rules>,
    /// How long after a halt it is tried first whether it can be opened again.
    pub reopen_after: Duration,
}

impl Spec {
    /// A market that keeps what it knows in a folder of its name in `data`, goes by the machine's time, and is else as the
    /// program has it if nothing is said.
    pub fn new(header: Header, streets: Streets, data: &Path) -> Self {
        Self {
            folder: data.join(&header.name),
            header,
            streets,
            clock: WallClock::Machine,
            capacity: 8_192,
            keep_positions: Millis::from_secs(86_400),
            keep_told_bytes: KEEP_TOLD_BYTES,
            planner: None,
            rules: None,
            reopen_after: REOPEN_AFTER,
        }
    }
}

/// A market that serves.
pub(crate) struct MarketActor {
    spec: Spec,
    shared: Arc<Shared>,
    outbox: Outbox,
    market: Option<Serving>,
    taken: Vec<Waiting>,
    /// When the market is woken next.
    alarm: Option<(Instant, SpawnHandle)>,
    halts: Halts,
    /// When it was told last how many positions were shed, and how many there were then.
    shed: (Instant, u64),
    /// It has served.
    served: bool,
    /// It is closed for good.
    over: bool,
}

/// A market, the names that its commands are given with, and what follows it.
struct Serving {
    market: Market,
    names: Names,
    positions: Positions,
    follower: Following,
    /// When it last said what it knows, and how many turns it had taken then.
    checked: (Instant, u64),
    found: Found,
}

/// What the follower has found so far. Each is told once.
#[derive(Debug, Default)]
struct Found {
    is_gone: bool,
    has_diverged: bool,
    violations: u64,
    snapshot_fault: Option<String>,
}

impl MarketActor {
    pub fn new(spec: Spec, shared: Arc<Shared>, outbox: Outbox) -> Self {
        Self {
            halts: Halts::new(spec.reopen_after),
            spec,
            shared,
            outbox,
            market: None,
            taken: Vec::with_capacity(BATCH),
            alarm: None,
            shed: (Instant::now(), 0),
            served: false,
            over: false,
        }
    }

    fn open(&mut self, ctx: &mut Context<Self>) {
        let began = Instant::now();
        match guarded(|| self.opened()) {
            Ok(serving) => {
                let turns = serving.market.turns();
                self.market = Some(serving);
                self.served = true;
                info!(market = %self.shared.name, turns, took_ms = began.elapsed().as_millis() as u64, "open");
                self.shared.set(Standing::Serving);
                self.set_alarm(ctx);
            }
            Err(cause) => self.halt(cause, ctx),
        }
    }

    /// Lets the follower come to the end and write its last snapshot.
    fn part(&self, follower: Following) {
        let name = &self.shared.name;
        let Ok(follower) = follower.close() else {
            error!(market = %name, "ALARM: the follower could not fold what the market did");
            return;
        };
        let follower::Standing { snapshot, snapshot_fault, .. } = follower.standing();
        let (snapshot, fault) = (snapshot.map_or(0, |next| next.0), snapshot_fault.as_deref().unwrap_or("none"));
        info!(market = %name, snapshot, fault, "the follower is done");
    }

    /// Says how many positions were shed, if some were.
    fn tell_shed(&mut self) {
        let (told, before) = self.shed;
        let shed = self.shared.figures.shed_pings.get();
        if shed > before && told.elapsed() >= TELL_SHED_EVERY {
            warn!(market = %self.shared.name, shed = shed - before, "positions were shed: newer ones were there, or too many waited");
            self.shed = (Instant::now(), shed);
        }
    }

    /// Looks after the follower: how far it is, and whether it found something.
    fn look_after(&mut self, _: &mut Context<Self>) {
        self.tell_shed();
        self.shared.figures.clock_ahead.set(self.shared.clock.ahead().0 / 1000);
        let Some(Serving { follower, found, .. }) = &mut self.market else { return };
        let (shared, standing) = (&self.shared, follower.standing());
        shared.figures.follower_lag.set(shared.events.next().saturating_sub(standing.next.0) as i64);
        let name = &shared.name;
        let now = Found {
            is_gone: !follower.is_alive(),
            has_diverged: standing.diverged.is_some(),
            violations: standing.violations.count,
            snapshot_fault: standing.snapshot_fault,
        };
        if now.is_gone && !found.is_gone {
            error!(market = %name, "ALARM: the follower ended, and with it snapshots and checks, until the market is opened anew");
        }
        if let Some((offset, diverged)) = &standing.diverged
            && !found.has_diverged
        {
            error!(market = %name, %offset, slice = diverged.slice, "ALARM: the follower knows another state than the market");
        }
        if now.violations > found.violations {
            shared.figures.violations.set(now.violations as i64);
            let first = standing.violations.first.first().map(ToString::to_string).unwrap_or_default();
            error!(market = %name, count = now.violations, first, "ALARM: invariants are broken");
        }
        if let Some(why) = &now.snapshot_fault
            && now.snapshot_fault != found.snapshot_fault
        {
            warn!(market = %name, why, "no snapshot was written; the next is tried when it is due");
        }
        *found = now;
    }

    /// The market takes nothing any more, but what is durable can be read.
    fn halt(&mut self, cause: Cause, ctx: &mut Context<Self>) {
        self.shared.figures.halts.inc();
        self.halts.note(Instant::now(), cause.why());
        self.shared.set_halted(cause);
        error!(market = %self.shared.name, standing = %self.shared.lanes.standing(), "ALARM: the market is halted");
        for waiting in self.taken.drain(..) {
            let _ = waiting.reply.send(Err(NotTaken::Away(self.shared.lanes.standing())));
        }
        // What it took before is still written, and released once it is durable.
        if let Some(Serving { market, follower, .. }) = self.market.take() {
            // A log whose thread panicked says so to whoever closes it: that is known, or told by the panic itself.
            drop(guarded(|| {
                drop(market);
                Ok(())
            }));
            self.shared.reports.fail();
            self.part(follower);
        }
        ctx.stop();
    }

    /// As if it had panicked while it changed its state.
    #[cfg(test)]
    pub fn break_down(&mut self, ctx: &mut Context<Self>) {
        if let Err(cause) = guarded::<()>(|| panic!("planted")) {
            self.halt(cause, ctx);
        }
    }

    /// Takes what waits, as much as is fair to other messages.
    fn work(&mut self, ctx: &mut Context<Self>) {
        if self.market.is_none() {
            return;
        }
        match guarded(|| self.take_batch()) {
            Ok(()) => {
                self.measure();
                let depth = self.shared.lanes.depth();
                self.shared.figures.waiting_commands.set(depth as i64);
                if depth > 0 {
                    self.shared.lanes.nudge();
                }
                self.set_alarm(ctx);
            }
            Err(cause) => self.halt(cause, ctx),
        }
    }

    fn measure(&mut self) {
        if let Some(Serving { market, .. }) = &mut self.market {
            for ns in market.take_latencies().spans_ns() {
                self.shared.figures.match_latency.observe(f64::from(*ns) / 1e9);
            }
        }
    }

    fn take_batch(&mut self) -> Result<(), Cause> {
        if let Some(cause) = self.shared.trouble() {
            return Err(cause);
        }
        self.shared.lanes.take(BATCH, &mut self.taken);
        self.taken.reverse();
        while let Some(waiting) = self.taken.pop() {
            let at = self.look()?;
            self.wake(at)?;
            self.take(at, waiting)?;
        }
        let at = self.look()?;
        self.wake(at)?;
        self.take_positions(false)?;
        self.check()
    }

    /// Which time it is. Where nobody could look for a while, since the process or the machine was stopped, its disk held the
    /// market up, or its clock was set forward, nobody could be heard: deadlines are put off as after a restart.
    fn look(&mut self) -> Result<Millis, Cause> {
        let Look { at, since } = self.shared.clock.look();
        if let Some(since) = since
            && let Some(Serving { market, names, .. }) = &mut self.market
        {
            warn!(market = %self.shared.name, ms = (at - since).0, "the market was held up: what fell due meanwhile is put off");
            names.learn(market.submit(at, None, Command::Resume { since })?);
        }
        Ok(at)
    }

    /// Has the market say what it knows, for its follower to compare, if it is time and it took turns since.
    fn check(&mut self) -> Result<(), Cause> {
        let Some(Serving { market, checked, .. }) = &mut self.market else { return Ok(()) };
        let (at, turns) = *checked;
        let every = if market.state().is_large() { CHECK_LARGE_EVERY } else { CHECK_EVERY };
        if at.elapsed() < every || market.turns() == turns {
            return Ok(());
        }
        market.checkpoint(self.shared.clock.now())?;
        *checked = (Instant::now(), market.turns());
        Ok(())
    }

    /// Takes a bundle of positions, if one is due, or `all` that wait.
    fn take_positions(&mut self, all: bool) -> Result<(), Cause> {
        let Some(Serving { market, names, positions, .. }) = &mut self.market else { return Ok(()) };
        let reports = &self.shared.reports;
        positions.collect(&self.shared, names, market.state());
        positions.count(&self.shared.figures);
        while all || positions.due().is_some_and(|wait| wait.is_zero()) {
            let at = self.shared.clock.now();
            let next = Offset(market.turns());
            let Some(pings) = positions.take(at, market.pings_buffer(), next, reports) else { break };
            names.learn(market.submit(at, None, Command::ReportPositions(pings))?);
            if !all {
                break;
            }
        }
        Ok(())
    }

    /// Wakes the market as often as it wants to be woken by `at`.
    fn wake(&mut self, at: Millis) -> Result<(), Cause> {
        if let Some(Serving { market, .. }) = &mut self.market {
            market.hear_planner(at)?;
        }
        while let Some(Serving { market, names, .. }) = &mut self.market
            && market.next_wakeup(at + Millis(1)).is_some_and(|wakeup| wakeup.at <= at)
        {
            self.shared.decisions.begin(market.turns());
            names.learn(market.wake(at)?);
            self.shared.decisions.end();
        }
        Ok(())
    }

    /// Takes a command, whose sender is told once it is durable.
    fn take(&mut self, at: Millis, waiting: Waiting) -> Result<(), Cause> {
        let Some(Serving { market, names, .. }) = &mut self.market else { return Ok(()) };
        let Waiting { work, since, reply, trace } = waiting;
        let (key, command) = match work {
            Work::Order(order, rider) => {
                let whose = order.body.ride().and_then(|ride| names.rider_of(ride));
                if whose.zip(rider.as_ref()).is_some_and(|(whose, rider)| whose != rider) {
                    // Whoever does not wait any more need not know.
                    let _ = reply.send(Err(NotTaken::Foreign));
                    return Ok(());
                }
                let (key, command) = names.resolve(*order);
                (Some(key), command)
            }
            Work::Command(key, command) => (key, command),
        };
        let (offset, began) = (Offset(market.turns()), Instant::now());
        let is_repeat = key.is_some_and(|key| market.state().keys().get(key).is_some());
        let claimed = match &command {
            Command::StartShift(shift) if !is_repeat => Some(shift.driver.clone()),
            _ => None,
        };
        let shifts = &self.shared.shifts;
        if claimed.as_ref().is_some_and(|driver| !shifts.claim(&self.shared.name, driver, offset)) {
            let _ = reply.send(Err(NotTaken::Elsewhere));
            return Ok(());
        }
        self.shared.figures.queue.observe((began - since).as_secs_f64());
        // A request that nobody can serve has a turn and is remembered, as one that is taken.
        let refused = match &command {
            Command::RequestRide(order) if is_repeat && key.and_then(|key| names.requested_by(key)).is_none() => {
                market.refusal(order)
            }
            _ => None,
        };
        self.shared.acks.expect(offset, Times { came: since, decided: began }, reply, trace, refused);
        self.shared.decisions.begin(market.turns());
        let taken = guarded(|| {
            let turn = market.submit(at, key, command)?;
            names.learn(turn);
            if let Some(driver) = claimed {
                let begun = turn.events.iter().any(|event| matches!(event, Event::ShiftStarted(_)));
                shifts.settle(&driver, offset, begun);
            }
            Ok(())
        });
        let decided = Instant::now();
        self.shared.decisions.end();
        self.shared.acks.decided(offset, decided);
        self.shared.figures.decide.observe((decided - began).as_secs_f64());
        // Its turn will not be durable. Left in line, its sender would be told of another's turn of that offset after a restart.
        if taken.is_err()
            && let Some(reply) = self.shared.acks.withdraw()
        {
            let _ = reply.send(Err(NotTaken::Unknown));
        }
        taken
    }

    /// Sees to it that the market is woken when it wants to be.
    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let Some(Serving { market, positions, .. }) = &self.market else { return };
        let clock = &self.shared.clock;
        let horizon = clock.now() + HORIZON;
        let deadline = market.next_wakeup(horizon).map_or(horizon, |wakeup| wakeup.at);
        let wait = positions.due().unwrap_or(Duration::MAX).min(clock.until(deadline));
        let wanted = Instant::now() + wait;
        if self.alarm.is_some_and(|(at, _)| at <= wanted) {
            // It looks again then.
            return;
        }
        if let Some((_, handle)) = self.alarm.take() {
            ctx.cancel_future(handle);
        }
        let handle = ctx.run_later(wait, |market, ctx| {
            market.alarm = None;
            market.work(ctx);
        });
        self.alarm = Some((wanted, handle));
    }
}

/// Does something with a market that may panic: then its state cannot be trusted any more. An actor that panicked would be
/// dropped, and nobody told.
fn guarded<T>(act: impl FnOnce() -> Result<T, Cause>) -> Result<T, Cause> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic| Err(Cause::Panicked(reason(&*panic))))
}

fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".to_owned())
}

impl Actor for MarketActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.over {
            return;
        }
        let shared = self.shared.clone();
        ctx.add_stream(futures_util::stream::unfold(shared, |shared| async {
            shared.lanes.woken().await;
            Some((Woken, shared))
        }));
        ctx.run_interval(LOOK_EVERY, Self::look_after);
        let kept = Retention::new(self.shared.name.clone(), self.spec.folder.clone());
        ctx.run_interval(retention::LOOK_EVERY, move |market, _| {
            if market.market.is_some() {
                kept.forget(market.shared.clock.now() - market.spec.keep_positions);
            }
        });
        if self.halts.is_empty() {
            return self.open(ctx);
        }
        if let Some(pause) = self.halts.pause().filter(|_| self.served) {
            ctx.run_later(pause, Self::open);
        } else {
            error!(market = %self.shared.name, "ALARM: the market stays halted until it is opened anew");
        }
    }
}

impl Supervised for MarketActor {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.alarm = None;
    }
}

/// There may be something in the lanes.
struct Woken;

impl StreamHandler<Woken> for MarketActor {
    fn handle(&mut self, _: Woken, ctx: &mut Self::Context) {
        self.work(ctx);
    }
}

/// Take no more commands, finish what is there, close the log.
#[derive(Debug)]
pub(crate) struct Close;

impl Message for Close {
    type Result = Result<Farewell, LogError>;
}

/// What a market leaves when it is closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Farewell {
    /// Turns taken since it was opened.
    pub turns: u64,
}

impl Handler<Close> for MarketActor {
    type Result = Result<Farewell, LogError>;

    fn handle(&mut self, _: Close, ctx: &mut Self::Context) -> Self::Result {
        self.shared.set(Standing::Draining);
        self.over = true;
        while self.market.is_some() && self.shared.lanes.depth() > 0 {
            self.work(ctx);
        }
        // Their devices were told that they were received.
        if let Err(cause) = guarded(|| self.take_positions(true)) {
            self.halt(cause, ctx);
            self.shared.set(Standing::Draining);
        }
        let closed = match self.market.take() {
            Some(Serving { market, follower, .. }) => market.close().map(|closed| {
                self.part(follower);
                Farewell { turns: closed.log.turns }
            }),
            None => Ok(Farewell::default()),
        };
        self.shared.shifts.close(&self.shared.name);
        self.shared.set(Standing::Closed);
        ctx.stop();
        closed
    }
}
