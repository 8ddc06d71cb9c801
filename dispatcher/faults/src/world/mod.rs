//! The world of one seed: clients, messages under way, the process and its disk, on one clock in one thread.

mod failing;
mod messages;
mod telling;

use crate::audit::Audit;
use crate::broken::{Broken, Checked, Promise};
use crate::client::{Client, ClientId, Device, Down, Moment, Post, Reader, Rider, Role, Up};
use crate::draws::Draws;
use crate::kinds::Kind;
use crate::server::{Process, Received};
use crate::town::{DiskWeather, START, Setting};
use crate::{Ending, Options, Summary};
use hansom_engine::Turn;
use hansom_engine::record::Header;
use hansom_geo_index::Millis;
use hansom_market::seam::sim::{Fault, SimDisk};
use std::collections::BTreeMap;

/// A market whose clock jumps by more than this says that it was held up.
const HELD_UP: Millis = Millis::from_secs(5);

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
    lies: Draws,
    /// What becomes of the messages of readers: nothing else is drawn otherwise because of them.
    aside: Draws,
    clients: Vec<Client>,
    /// When the last message to (`false`) or from (`true`) a client arrives, of those under way so far.
    arrivals: BTreeMap<(ClientId, bool), Millis>,
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
            audit: Audit::new(&setting, options.bug),
            header: setting.header.clone(),
            now: Millis::ZERO,
            agenda: BTreeMap::new(),
            planned: 0,
            net: Draws::new(seed, 2),
            chance: Draws::new(seed, 3),
            noise: Draws::new(seed, 4),
            lies: Draws::new(seed, 5),
            aside: Draws::new(seed, 6),
            clients: Vec::new(),
            arrivals: BTreeMap::new(),
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
                let device = device.absent(self.setting.absence);
                self.clients.push(Client { post, role: Role::Device(Box::new(device)) });
            }
        }
        for rider in 0..riders {
            let mut post = post();
            let first = Millis::from_secs(post.draws.between(1, 30));
            let rider = Rider::new(rider, network.clone(), drivers, mischief, first);
            self.clients.push(Client { post, role: Role::Rider(rider) });
        }
        for tells_gaps in [false, true] {
            self.clients.push(Client { post: post(), role: Role::Reader(Reader::new(tells_gaps)) });
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
        self.summary.faults.add_disk(&self.disk.met(), self.disk.refused());
        self.summary.fates = self.audit.fates();
        self.summary.poisoned = self.audit.poisoned();
        for reader in self.clients.iter().filter_map(Client::reader) {
            let (told, gaps) = reader.counts();
            (self.summary.told, self.summary.gaps) = (self.summary.told + told, self.summary.gaps + gaps);
        }
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
                let pause = Millis(50 * self.net_of(id).between(8, 24));
                self.plan(self.now + pause, Happening::Act(id));
            }
            Happening::Up(from, Up::Look(wish)) => {
                if self.process.is_some() {
                    let seen = self.audit.look(&wish);
                    self.reply(from, &seen);
                }
            }
            Happening::Up(from, Up::Follow { from: at, tells_gaps }) => self.tell(from, at, tells_gaps)?,
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
                let skew = Millis(self.chance.between(-far, far));
                let before = self.wall();
                self.summary.faults.add(Kind::ClockForward, u64::from(skew > self.skew));
                self.summary.faults.add(Kind::ClockBack, u64::from(skew < self.skew));
                self.skew = skew;
                let pause = Millis::from_secs(self.chance.between(10, 90));
                self.plan(self.now + pause, Happening::Jump);
                self.wake_planned = None;
                self.held_up(before)?;
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

    /// The market's clock was `before` a moment ago. If it says now that it is much later, nobody could be heard meanwhile, and
    /// the market says so.
    fn held_up(&mut self, before: Millis) -> Checked {
        let wall = self.wall();
        let done = match &mut self.process {
            Some(process) if self.setting.notices && wall - before > HELD_UP => {
                self.summary.faults.add(Kind::HeldUp, 1);
                process.resume(before, wall)
            }
            _ => Ok(()),
        };
        self.check_alive(done.is_ok())
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
            process.stream.push(&turn);
        }
        for (to, answer) in answers {
            self.summary.answers += 1;
            self.reply(to, &answer);
        }
        Ok(())
    }
}
