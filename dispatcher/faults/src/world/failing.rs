//! What goes wrong with the process, its disk and its clock, and how it comes back.

use super::{Happening, World};
use crate::Ending;
use crate::audit::Reread;
use crate::broken::{Broken, Checked, Promise, ensure};
use crate::kinds::Kind;
use crate::planted::{Bug, snapshots, tamper};
use crate::server::{Begun, Process, log_folder};
use crate::town::DiskWeather;
use hansom_engine::Offset;
use hansom_geo_index::Millis;
use hansom_market::recovery::RecoveryError;
use hansom_market::seam::disk::Disk;
use hansom_market::seam::sim::{Act, Fault, Left, SimDisk};

impl World {
    /// Whether the disk did as it said so far.
    pub(super) fn trusts(&self) -> bool {
        !told_a_lie(&self.disk)
    }

    fn lied_since_the_stop(&self) -> bool {
        self.disk.met().iter().skip(self.met).any(|met| met.fault.is_lie())
    }

    pub(super) fn fault(&mut self) -> Checked {
        let kinds: &[Fault] = match self.setting.disk {
            DiskWeather::Fair => return Ok(()),
            DiskWeather::Outages => &[Fault::PowerLoss],
            DiskWeather::Failures => &[Fault::PowerLoss, Fault::Fail, Fault::Torn],
            DiskWeather::Lies => &[Fault::PowerLoss, Fault::Corrupted, Fault::Misdirected, Fault::Unsynced],
        };
        if self.setting.disk == DiskWeather::Lies && self.lies.chance(20) {
            // Among all operations these are few.
            self.disk.fail_next(Act::SyncFolder, Fault::Unsynced);
        }
        let soon = self.disk.operations() + self.chance.below(24);
        match self.chance.below(10) {
            0..3 => {
                self.summary.faults.add(Kind::Killed, u64::from(self.process.is_some()));
                self.crash(false)?;
            }
            3 => {
                self.summary.faults.add(Kind::PowerCut, u64::from(self.process.is_some()));
                self.crash(true)?;
            }
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
    pub(super) fn stopped(&mut self) -> Checked {
        let met = self.disk.met();
        let reason = self.excused || met.len() > self.met;
        ensure(reason, Promise::Starts, || "the log failed on a disk that works".into())?;
        self.crash(false)
    }

    /// The process is gone, and, with `power`, so is what was not synced.
    fn crash(&mut self, power: bool) -> Checked {
        let lost_power = self.disk.met().iter().skip(self.met).any(|met| met.fault == Fault::PowerLoss);
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

    pub(super) fn start(&mut self) -> Checked<Option<Ending>> {
        if self.process.is_some() {
            return Ok(None);
        }
        let noisy = !self.moment().settling && self.boot > 0;
        if noisy && self.setting.disk != DiskWeather::Fair && self.chance.chance(20) {
            // The power goes while the market comes back.
            self.disk.fail_at(self.disk.operations() + self.chance.below(12), Fault::PowerLoss);
        }
        if noisy && self.setting.upgrades && self.audit.durable() > 100 {
            let changed = self.setting.header.settings.offer_life + Millis::from_secs(2);
            self.summary.faults.add(Kind::Upgraded, u64::from(self.header.settings.offer_life != changed));
            self.header.settings.offer_life = changed;
        }
        let reach = snapshots(&self.disk).map(|(reach, _)| reach).max();
        tamper(&self.disk, &self.setting.streets, self.options.bug, &self.left_behind);
        let lied = told_a_lie(&self.disk);
        match Process::start(&self.disk, &self.setting, &self.header, self.wall(), self.options.bug) {
            Ok((process, begun)) => {
                ensure(reach.is_none_or(|reach| reach <= begun.next.0), Promise::Detected, || {
                    format!("there is a snapshot up to {reach:?}, and the market goes on from {}", begun.next)
                })?;
                self.started(process, &begun, lied)
            }
            Err(error) if error.is_damage() => {
                ensure(lied, Promise::Starts, || format!("refused as damaged, on an honest disk: {error}"))?;
                Ok(Some(Ending::Detected))
            }
            Err(error) => {
                let reason = self.excused || self.disk.met().len() > self.met;
                ensure(reason, Promise::Starts, || format!("refused without a reason: {}", chain(&error)))?;
                self.summary.faults.add(Kind::StartFailed, 1);
                self.crash(false)?;
                Ok(None)
            }
        }
    }

    /// Somebody tries to start a second process beside the one that runs.
    pub(super) fn another(&mut self) -> Checked {
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
        if lied && begun.next.0 < self.audit.durable() {
            // Nothing that is left can prove that more was there once. If anything of it was there, it was kept.
            let lies: Vec<_> = self.disk.met().into_iter().filter(|met| met.fault.is_lie()).collect();
            let names_lost = lies.iter().any(|met| met.act == Act::SyncFolder);
            if self.audit.is_lost_in_silence(begun.next, names_lost) {
                let unsynced = lies.iter().any(|met| met.fault == Fault::Unsynced);
                let told = begun.repaired || self.is_kept(begun.next) || unsynced;
                ensure(told, Promise::Detected, || "what was cut off is not told".into())?;
                return Ok(Some(Ending::LostInSilence));
            }
        }
        let trusts = !lied && self.trusts();
        match self.audit.restarted(&self.disk, begun, &self.left_behind, trusts) {
            Ok(()) => {}
            Err(Reread::Broken(broken)) => return Err(broken),
            // The disk lied about what was written anew while the market was opened: nobody was told of that yet.
            Err(Reread::Log(fault)) if fault.is_damage() && self.lied_since_the_stop() => {
                return Ok(Some(Ending::Detected));
            }
            Err(Reread::Log(fault)) => {
                return Err(Broken::new(Promise::Kept, format!("the log cannot be read: {fault}")));
            }
        }
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

    /// Whether what was cut off behind the turn before `next` is kept in a file: by a start that did not come to its end, and told
    /// nobody.
    fn is_kept(&self, next: Offset) -> bool {
        let files = self.disk.files(&log_folder()).unwrap_or_default();
        let name = format!("{:020}.torn", next.0);
        files.iter().filter_map(|file| file.file_name()?.to_str()).any(|file| file.starts_with(&name))
    }

    /// All is over: the last look at everything.
    pub(super) fn end(&mut self) -> Checked<Ending> {
        self.tell_the_rest()?;
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

/// Whether the disk said that something was done which was not.
fn told_a_lie(disk: &SimDisk) -> bool {
    disk.met().iter().any(|met| met.fault.is_lie())
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
