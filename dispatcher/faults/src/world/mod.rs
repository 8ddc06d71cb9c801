//! The world of one seed: clients, messages under way, the process and its disk, on one clock in one thread.

use crate::audit::{Audit, Reread};
use crate::broken::{Broken, Checked, Promise, ensure};
use crate::client::{Client, ClientId, Device, Down, Moment, Post, Rider, Role, Up};
use crate::draws::Draws;
use crate::planted::{Bug, tamper};
use crate::server::{Begun, Process, Received};
use crate::town::{DiskWeather, START, Setting, Weather};
use crate::{Ending, Options, Summary};
use hansom_engine::Turn;
use hansom_engine::record::Header;
use hansom_geo_index::Millis;
use hansom_market::recovery::RecoveryError;
use hansom_market::seam::sim::{Fault, Left, SimDisk};
use std::collections::BTreeMap;

/// How long after the end of faults all has to be over.
const PATIENCE: Millis = Millis::from_secs(7_200);

/// Something that happens at a time.
enum Happening {
    Act(ClientId),
    Up(ClientId, Up),
    Down(ClientId, Down),
    /// What was decided is committed; if the process is still the same.
    Commit(u64),
    /// A deadline of the market is looked at.
    Wake(u64),
    Bundle(u64),
    Fault,
    Start,
    Jump,
    Checkpoint,
    /// Somebody makes room on the disk.
    Room,
}

pub(crate) struct World {
    setting: Setting,
    /// Under which the process is started.
    header: Header,
    now: Millis,
    agenda: BTreeMap<(Millis, u64), Happening>,
    planned: u64,
    net: Draws,
    chance: Draws,
    noise: Draws,
    clients: Vec<Client>,
    disk: SimDisk,
    process: Option<Process>,
    /// Turns decided by the process before, that may or may not have reached the disk.
    left_behind: BTreeMap<u64, Turn>,
    audit: Audit,
    /// By how much the market's clock is wrong.
    skew: Millis,
    /// Starts so far.
    boot: u64,
    commit_planned: bool,
    wake_planned: Option<Millis>,
    /// Faults that the disk had met when it was last started.
    met: usize,
    /// There was a reason for the last stop, or is one for the next start to fail.
    excused: bool,
    options: Options,
    summary: Summary,
}

impl World {
    pub fn new(seed: u64, setting: Setting, options: Options) -> Self {
        let disk = SimDisk::new(seed);
        if let Some(operation) = options.power_loss_at {
            disk.fail_at(operation, Fault::PowerLoss);
        }
        let mut world = Self {
            audit: Audit::new(&setting),
            header: setting.header.clone(),
            now: Millis::ZERO,
            agenda: BTreeMap::new(),
            planned: 0,
            net: Draws::new(seed, 2),
            chance: Draws::new(seed, 3),
            noise: Draws::new(seed, 4),
            clients: Vec::new(),
            disk,
            process: None,
            left_behind: BTreeMap::new(),
            skew: Millis::ZERO,
            boot: 0,
            commit_planned: false,
            wake_planned: None,
            met: 0,
            excused: options.power_loss_at.is_some(),
            options,
            summary: Summary::default(),
            setting,
        };
        world.people(seed);
        world.plan(Millis::ZERO, Happening::Start);
        world.plan(Millis::from_secs(5), Happening::Checkpoint);
        if world.setting.disk != DiskWeather::Fair {
            world.plan_fault();
        }
        if world.setting.jumps {
            world.plan(Millis::from_secs(20), Happening::Jump);
        }
        world
    }

    fn people(&mut self, seed: u64) {
        let network = &self.setting.streets.network;
        let (riders, drivers, mischief) = (self.setting.riders, self.setting.drivers, self.setting.mischief);
        let mut posts = (0..).map(|id| Post::new(seed, id));
        let mut post = || posts.next().expect("there is no end of them");
        for driver in 0..drivers {
            for is_second in [false, true] {
                let mut post = post();
                let device = Device::new(driver, is_second, network.clone(), mischief, &mut post.draws);
                self.clients.push(Client { post, role: Role::Device(Box::new(device)) });
            }
        }
        for rider in 0..riders {
            let mut post = post();
            let first = Millis::from_secs(post.draws.between(1, 30));
            let rider = Rider::new(rider, network.clone(), drivers, mischief, first);
            self.clients.push(Client { post, role: Role::Rider(rider) });
        }
        for id in 0..self.clients.len() {
            self.plan(Millis(50 * (id as i64 + 1)), Happening::Act(id));
        }
    }

    fn plan(&mut self, at: Millis, happening: Happening) {
        self.planned += 1;
        self.agenda.insert((at.max(self.now), self.planned), happening);
    }

    fn plan_fault(&mut self) {
        let calm = self.setting.calm.0;
        let at = self.now + Millis(self.chance.between(calm / 4, calm * 2));
        self.plan(at, Happening::Fault);
    }

    fn moment(&self) -> Moment {
        Moment { now: self.now, settling: self.now >= self.setting.noise }
    }

    /// The time on the market's clock.
    fn wall(&self) -> Millis {
        START + self.now + self.skew
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Result<Summary, (Millis, Broken, Vec<String>)> {
        let ending = self.live().map_err(|broken| (self.now, broken, self.story()))?;
        self.summary.ending = ending;
        self.summary.turns = self.audit.durable();
        self.summary.operations = self.disk.operations();
        self.summary.fates = self.audit.fates();
        Ok(self.summary)
    }

    fn story(&mut self) -> Vec<String> {
        let decided = self.process.as_mut().map(|process| std::mem::take(&mut process.decided)).unwrap_or_default();
        let mut story = self.audit.story(decided.into_values());
        story.extend(self.disk.met().iter().map(|met| format!("the disk met {met:?}")));
        story
    }

    fn live(&mut self) -> Checked<Ending> {
        let mut settled = false;
        while let Some(((at, _), happening)) = self.agenda.pop_first() {
            self.now = at;
            if !settled && self.moment().settling {
                settled = true;
                self.disk.calm();
                // The clock is set, too: one that is a minute behind refuses whatever creates.
                self.skew = Millis::ZERO;
                self.wake_planned = None;
                self.go_on();
            }
            if let Some(ending) = self.happen(happening)? {
                return Ok(ending);
            }
            if settled && self.is_over() {
                return self.end();
            }
            if self.now > self.setting.noise + PATIENCE {
                let waiting = self.clients.iter().filter(|client| client.post.is_waiting()).count();
                let detail = format!("{waiting} clients wait for an answer; {}", self.audit.open_rides());
                return Err(Broken::new(Promise::Ends, detail));
            }
        }
        Err(Broken::new(Promise::Ends, "nothing happens any more"))
    }

    fn is_over(&self) -> bool {
        let all_released = self.process.as_ref().is_some_and(|process| process.decided.is_empty());
        all_released && self.audit.is_quiet() && self.clients.iter().all(Client::is_done)
    }

    fn happen(&mut self, happening: Happening) -> Checked<Option<Ending>> {
        let settling = self.moment().settling;
        match happening {
            Happening::Act(id) => {
                let moment = self.moment();
                let ups = self.clients[id].act(moment);
                self.send_all(id, ups);
                let pause = Millis(50 * self.net.between(8, 24));
                self.plan(self.now + pause, Happening::Act(id));
            }
            Happening::Up(from, Up::Look(wish)) => {
                if self.process.is_some() {
                    let seen = self.audit.look(&wish);
                    self.reply(from, &seen);
                }
            }
            Happening::Up(from, Up::Line(line)) => {
                let (now, wall) = (self.now, self.wall());
                let Some(process) = &mut self.process else { return Ok(None) };
                let done = process.receive(from, &line, now, wall).map(|received| match received {
                    Received::Order => self.summary.orders += 1,
                    Received::Position => {}
                    Received::Malformed => self.summary.malformed += 1,
                });
                self.check_alive(done.is_ok())?;
            }
            Happening::Down(to, down) => {
                let moment = self.moment();
                let ups = self.clients[to].hear(moment, down)?;
                self.send_all(to, ups);
            }
            Happening::Commit(boot) if boot == self.boot => {
                self.commit_planned = false;
                self.commit()?;
            }
            Happening::Bundle(boot) if boot == self.boot => {
                let wall = self.wall();
                let done = self.process.as_mut().map_or(Ok(()), |process| process.bundle(wall));
                self.check_alive(done.is_ok())?;
            }
            Happening::Wake(boot) if boot == self.boot => {
                self.wake_planned = None;
                let wall = self.wall();
                let due =
                    |process: &&mut Process| process.next_wakeup(Millis::MAX).is_some_and(|wakeup| wakeup.at <= wall);
                let done = self.process.as_mut().filter(due).map_or(Ok(()), |process| process.wake(wall));
                self.check_alive(done.is_ok())?;
            }
            Happening::Checkpoint => {
                self.another()?;
                let wall = self.wall();
                let done = self.process.as_mut().map_or(Ok(()), |process| process.checkpoint(wall));
                self.check_alive(done.is_ok())?;
                self.plan(self.now + Millis::from_secs(7), Happening::Checkpoint);
            }
            Happening::Jump if !settling => {
                let far = self.chance.of(&[1_000, 10_000, 120_000]);
                self.skew = Millis(self.chance.between(-far, far));
                let pause = Millis::from_secs(self.chance.between(10, 90));
                self.plan(self.now + pause, Happening::Jump);
                self.wake_planned = None;
                self.go_on();
            }
            Happening::Room => self.disk.set_room(None),
            Happening::Fault if !settling => {
                self.fault()?;
                self.plan_fault();
            }
            // Of a process before, or too late.
            Happening::Commit(_) | Happening::Bundle(_) | Happening::Wake(_) | Happening::Jump | Happening::Fault => {}
            Happening::Start => return self.start(),
        }
        Ok(None)
    }

    /// After the process did something: what it has to do next.
    fn go_on(&mut self) {
        let Some(process) = &self.process else { return };
        let (boot, wall) = (self.boot, self.wall());
        let commits = !self.commit_planned && !process.decided.is_empty();
        let bundle = process.bundle;
        let wakeup = process.next_wakeup(Millis::MAX).map(|wakeup| self.now + (wakeup.at - wall).max(Millis::ZERO));
        if commits {
            self.commit_planned = true;
            let gather = self.setting.gather.0;
            let at = self.now + Millis(self.chance.between(0, gather));
            self.plan(at, Happening::Commit(boot));
        }
        if let Some(at) = bundle {
            self.plan(at, Happening::Bundle(boot));
            if let Some(process) = &mut self.process {
                process.bundle = None;
            }
        }
        if let Some(at) = wakeup
            && self.wake_planned.is_none_or(|planned| planned > at)
        {
            self.wake_planned = Some(at);
            self.plan(at, Happening::Wake(boot));
        }
    }

    fn check_alive(&mut self, lives: bool) -> Checked {
        if !lives {
            self.stopped()?;
        }
        self.release()?;
        self.go_on();
        Ok(())
    }

    fn commit(&mut self) -> Checked {
        let Some(process) = &mut self.process else { return Ok(()) };
        self.audit.commit();
        let done = process.commit();
        self.release()?;
        if done.is_ok()
            && let Some(process) = &self.process
        {
            self.audit.agrees(process)?;
        }
        self.check_alive(done.is_ok())
    }

    /// Looks at what was released, and delivers it.
    fn release(&mut self) -> Checked {
        let trusts = self.trusts();
        let Some(process) = &mut self.process else { return Ok(()) };
        let mut answers = Vec::new();
        for turn in process.take_released() {
            self.audit.released(&self.disk, process, &turn, trusts)?;
            answers.extend(process.answer(&turn));
            process.follow(&turn);
        }
        for (to, answer) in answers {
            self.summary.answers += 1;
            self.reply(to, &answer);
        }
        Ok(())
    }

    // -- messages ------------------------------------------------------------------------------------------------------

    fn send_all(&mut self, from: ClientId, ups: Vec<Up>) {
        let (settling, fair) = (self.moment().settling, self.setting.weather.garbage);
        let (garbage, twice) = self.options.repeats.map_or((fair, false), |garbage| (garbage, true));
        for up in ups {
            if let Up::Line(line) = &up {
                if (!settling || twice) && self.noise.chance(garbage) {
                    let garbage = self.garbage(line);
                    self.under_way(|| Happening::Up(from, Up::Line(garbage.clone())));
                }
                if twice {
                    self.under_way(|| Happening::Up(from, up.clone()));
                }
            }
            self.under_way(|| Happening::Up(from, up.clone()));
        }
    }

    fn reply(&mut self, to: ClientId, down: &Down) {
        self.under_way(|| Happening::Down(to, down.clone()));
    }

    /// Sends a message: it is lost, doubled or late as drawn.
    fn under_way(&mut self, message: impl Fn() -> Happening) {
        let weather = self.setting.weather;
        if self.moment().settling || weather.is_fair() {
            return self.plan(self.now + Weather::SHORTEST, message());
        }
        let copies = if self.net.chance(weather.lost) { 0 } else { 1 + u64::from(self.net.chance(weather.doubled)) };
        for _ in 0..copies {
            // In steps, so that things meet at the same moment.
            let delay = Millis(Weather::SHORTEST.0 * self.net.between(1, weather.delay.0 / Weather::SHORTEST.0));
            self.plan(self.now + delay, message());
        }
    }

    /// A line that no decoder takes.
    fn garbage(&mut self, line: &[u8]) -> Vec<u8> {
        let mut garbage = line.to_vec();
        match self.noise.below(4) {
            0 => garbage.truncate(self.noise.below(line.len() as u64) as usize),
            1 => garbage[self.noise.below(line.len() as u64) as usize] = 0xff,
            2 => garbage.extend_from_slice(b"}"),
            _ => garbage = (0..self.noise.below(80)).map(|_| self.noise.next() as u8 | 0x80).collect(),
        }
        garbage
    }

    // -- faults --------------------------------------------------------------------------------------------------------

    /// Whether the disk did as it said so far.
    fn trusts(&self) -> bool {
        !told_a_lie(&self.disk)
    }

    fn fault(&mut self) -> Checked {
        let kinds: &[Fault] = match self.setting.disk {
            DiskWeather::Fair => return Ok(()),
            DiskWeather::Outages => &[Fault::PowerLoss],
            DiskWeather::Failures => &[Fault::PowerLoss, Fault::Fail, Fault::Torn],
            DiskWeather::Lies => &[Fault::PowerLoss, Fault::Corrupted, Fault::Misdirected, Fault::Unsynced],
        };
        let soon = self.disk.operations() + self.chance.below(24);
        match self.chance.below(10) {
            0..3 => self.crash(false)?,
            3 => self.crash(true)?,
            4 if self.setting.disk == DiskWeather::Failures => {
                let room = self.disk.used() + self.chance.below(4_000);
                self.disk.set_room(Some(room));
                self.excused = true;
                let pause = Millis::from_secs(self.chance.between(1, 40));
                self.plan(self.now + pause, Happening::Room);
            }
            5 if self.setting.disk == DiskWeather::Failures => {
                self.disk.set_read_only(true);
                self.excused = true;
            }
            _ => {
                let fault = self.chance.of(kinds);
                self.disk.fail_at(soon, fault);
            }
        }
        Ok(())
    }

    /// The process stopped by itself: there was a reason.
    fn stopped(&mut self) -> Checked {
        let met = self.disk.met();
        let reason = self.excused || met.len() > self.met;
        ensure(reason, Promise::Starts, || "the log failed on a disk that works".into())?;
        self.crash(false)
    }

    /// The process is gone, and, with `power`, so is what was not synced.
    fn crash(&mut self, power: bool) -> Checked {
        let lost_power = self.disk.met().iter().skip(self.met).any(|(_, fault, _)| *fault == Fault::PowerLoss);
        let left = match (power || lost_power, self.chance.below(4)) {
            (false, _) => Left::All,
            (true, 0) => Left::Synced,
            (true, _) => Left::Drawn(self.chance.next()),
        };
        self.disk.restart(left);
        self.met = self.disk.met().len();
        self.boot += 1;
        (self.commit_planned, self.wake_planned) = (false, None);
        if let Some(mut process) = self.process.take() {
            self.summary.crashes += 1;
            self.left_behind = std::mem::take(&mut process.decided);
            let released = process.take_released();
            drop(process);
            ensure(released.is_empty(), Promise::Kept, || "something was released by the way".into())?;
        }
        let away = match (self.moment().settling, self.chance.below(20)) {
            (true, _) | (_, 0..15) => Millis(50 * self.chance.between(1, 60)),
            (_, 15..19) => Millis::from_secs(self.chance.between(3, 60)),
            _ => Millis::from_secs(self.chance.between(60, 600)),
        };
        self.plan(self.now + away, Happening::Start);
        Ok(())
    }

    fn start(&mut self) -> Checked<Option<Ending>> {
        if self.process.is_some() {
            return Ok(None);
        }
        let noisy = !self.moment().settling && self.boot > 0;
        if noisy && self.setting.disk != DiskWeather::Fair && self.chance.chance(20) {
            // The power goes while the market comes back.
            self.disk.fail_at(self.disk.operations() + self.chance.below(12), Fault::PowerLoss);
        }
        if noisy && self.setting.upgrades && self.audit.durable() > 100 {
            self.header.settings.offer_life = self.setting.header.settings.offer_life + Millis::from_secs(2);
        }
        tamper(&self.disk, &self.setting.streets, self.options.bug, &self.left_behind);
        let lied = told_a_lie(&self.disk);
        match Process::start(&self.disk, &self.setting, &self.header, self.wall(), self.options.bug) {
            Ok((process, begun)) => self.started(process, &begun, lied),
            Err(error) if error.is_damage() => {
                ensure(lied, Promise::Starts, || format!("refused as damaged, on an honest disk: {error}"))?;
                Ok(Some(Ending::Detected))
            }
            Err(error) => {
                let reason = self.excused || self.disk.met().len() > self.met;
                ensure(reason, Promise::Starts, || format!("refused without a reason: {}", chain(&error)))?;
                self.crash(false)?;
                Ok(None)
            }
        }
    }

    /// Somebody tries to start a second process beside the one that runs.
    fn another(&mut self) -> Checked {
        if self.process.is_none() || self.options.bug.is_some_and(Bug::has_own_writer) {
            return Ok(());
        }
        let second = Process::start(&self.disk, &self.setting, &self.header, self.wall(), self.options.bug);
        let kept_out = match second {
            Ok(_) => false,
            Err(RecoveryError::InUse { .. }) => true,
            // The power went, and nobody has noticed yet.
            Err(_) => self.disk.met().len() > self.met,
        };
        ensure(kept_out, Promise::Alone, || "a second process has the market open".into())
    }

    fn started(&mut self, process: Process, begun: &Begun, lied: bool) -> Checked<Option<Ending>> {
        let lost = lied && begun.next.0 < self.audit.durable();
        if lost && told_of_no_name(&self.disk) && self.audit.only_whole_segments(begun.next) {
            // The name of the segment went, and all that was written there with it.
            return Ok(Some(Ending::LostInSilence));
        }
        if lost && self.audit.only_last_commit(begun.next) {
            // Nothing stood behind it that could prove that it was there once. If anything of it was there, it was kept.
            let unsynced = self.disk.met().iter().any(|(_, fault, _)| *fault == Fault::Unsynced);
            ensure(begun.repaired || unsynced, Promise::Detected, || "what was cut off is not told".into())?;
            return Ok(Some(Ending::LostInSilence));
        }
        let trusts = !lied && self.trusts();
        self.audit.restarted(&self.disk, begun, &self.left_behind, trusts)?;
        self.left_behind.clear();
        self.summary.starts += 1;
        self.summary.snapshots += u64::from(begun.snapshot);
        self.summary.repaired += u64::from(begun.repaired);
        self.process = Some(process);
        self.excused = self.setting.disk == DiskWeather::Failures && self.excused;
        // Its first turns were decided while it was opened.
        self.commit_planned = true;
        self.plan(self.now, Happening::Commit(self.boot));
        self.go_on();
        Ok(None)
    }

    /// All is over: the last look at everything.
    fn end(&mut self) -> Checked<Ending> {
        if let Some(process) = self.process.take() {
            self.audit.agrees(&process)?;
            if self.chance.chance(50) {
                let closed = process.close();
                ensure(closed.is_ok(), Promise::Starts, || "the log is not closed on a disk that works".into())?;
            }
        }
        let acknowledged = self.clients.iter().flat_map(|client| client.post.taken());
        self.audit.once(acknowledged)?;
        match self.audit.reread(&self.disk) {
            Ok(()) => Ok(Ending::Whole),
            Err(Reread::Broken(broken)) => Err(broken),
            Err(Reread::Log(fault)) if fault.is_damage() && told_a_lie(&self.disk) => Ok(Ending::Detected),
            Err(Reread::Log(fault)) => Err(Broken::new(Promise::Kept, format!("the log cannot be read: {fault}"))),
        }
    }
}

/// Whether the disk said that names were safe which were not.
fn told_of_no_name(disk: &SimDisk) -> bool {
    disk.met().iter().any(|(_, fault, file)| *fault == Fault::Unsynced && file.is_none())
}

/// Whether the disk said that something was done which was not.
fn told_a_lie(disk: &SimDisk) -> bool {
    disk.met().iter().any(|(_, fault, _)| matches!(fault, Fault::Corrupted | Fault::Misdirected | Fault::Unsynced))
}

fn chain(error: &RecoveryError) -> String {
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        said = format!("{said}: {cause}");
        source = cause.source();
    }
    said
}
