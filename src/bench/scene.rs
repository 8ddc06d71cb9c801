//! The city while it is measured: riders who ask, drivers who report, take offers, drive and are free again.
//!
//! A driver takes an offer as soon as it reaches him. He is at the pickup after a quarter of the ride's time, has the rider
//! aboard at once, and ends the trip when the time is over, three street corners farther, where he stands from then on. So each
//! request is followed by four more orders, and as many drivers are busy as rides begin within that time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use hansom_engine::{Epoch, Key, Name, RideId};
use hansom_market::ingest::order::{AcceptOffer, ArriveAtPickup, BoardRider, Body, EndTrip};
use hansom_market::ingest::{Order, RideRef};

use super::crew::{Crew, Hand};
use super::fleet::{Fleet, Wish};
use super::step::Step;
use super::subject::{Answer, Caller, Hear, Heard, Offer, Subject};
use crate::error::Error;

/// How the city goes.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// So often each driver reports; zero: none does.
    pub ping_every: Duration,
    /// So many positions go at once.
    pub bundle: u32,
    /// So long a ride takes.
    pub ride: Duration,
}

/// So many of the crew are there before anything begins.
const AT_FIRST: usize = 16;
/// An order of a driver that was turned away or lost is given again after this, and one that comes too soon: he has another ride to
/// end first …
const AGAIN: Duration = Duration::from_secs(1);
/// … but not for ever.
const TRIES: u32 = 60;

/// Something to be done.
pub enum Job {
    /// The next request of a step.
    Request(Arc<Step>),
    /// The positions of some drivers, for the so-manyth time.
    Report(u64),
    /// An order of a driver.
    Duty(Duty),
}

/// What a driver does next about a ride.
#[derive(Debug, Clone, Copy)]
pub struct Duty {
    what: What,
    driver: usize,
    ride: RideId,
    request: Key,
    epoch: Epoch,
    dropoff: u32,
    /// When he took it.
    since: Instant,
    /// How often he did it in vain.
    tries: u32,
    /// It may have been taken, and nobody heard.
    is_lost: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Accept,
    Arrive,
    Board,
    End,
}

/// A ride that was asked for and is not over.
struct Ride {
    step: Arc<Step>,
    due: Instant,
    wish: Wish,
    is_offered: bool,
}

/// The city.
pub struct Scene {
    fleet: Fleet,
    pace: Pace,
    subject: Arc<dyn Subject>,
    crew: OnceLock<Crew<Job>>,
    rides: Mutex<HashMap<Key, Ride>>,
    /// What is measured now.
    step: Mutex<Option<Arc<Step>>>,
    riders: AtomicU64,
    /// Riders ask at the first so many corners.
    corners: AtomicU64,
    /// Rides that can be asked about.
    known: Mutex<Vec<RideId>>,
    /// How often a stream told that something is missing.
    gaps: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scene {
    /// Opens it: a crew, and an ear for offers.
    pub fn open(fleet: Fleet, pace: Pace, subject: Arc<dyn Subject>, connections: u32) -> Result<Arc<Self>, Error> {
        let scene = Arc::new(Self {
            fleet,
            pace,
            subject,
            crew: OnceLock::new(),
            rides: Mutex::default(),
            step: Mutex::default(),
            riders: AtomicU64::new(0),
            corners: AtomicU64::new(u64::MAX),
            known: Mutex::default(),
            gaps: AtomicU64::new(0),
        });
        let mine = scene.clone();
        let crew = Crew::new(AT_FIRST, connections as usize, move || -> Hand<Job> {
            let (scene, mut caller) = (mine.clone(), mine.subject.caller());
            Box::new(move |due, job| scene.act(&mut *caller, due, job))
        });
        // Nobody else sets it.
        let _ = scene.crew.set(crew);
        let ear = scene.clone();
        scene.subject.listen(Box::new(move |heard| match heard {
            Heard::Offer(offer) => ear.offered(&offer),
            Heard::Gap => _ = ear.gaps.fetch_add(1, Ordering::Relaxed),
            Heard::Other => {}
        }))?;
        Ok(scene)
    }

    /// Its drivers.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// What is driven.
    pub fn subject(&self) -> &dyn Subject {
        &*self.subject
    }

    /// Has the first `count` drivers hear their offers by subscriptions of their own, and riders ask where those stand. How many
    /// do.
    pub fn subscribe(self: &Arc<Self>, count: u32) -> Result<u32, Error> {
        let count = count.min(self.fleet.len() as u32);
        if count == 0 {
            return Ok(0);
        }
        let names: Vec<String> = (0..count as usize).map(|driver| self.fleet.name(driver)).collect();
        let hear = || -> Hear {
            let scene = self.clone();
            Box::new(move |heard| match heard {
                Heard::Offer(offer) => scene.delivered(&offer),
                Heard::Gap => _ = scene.gaps.fetch_add(1, Ordering::Relaxed),
                Heard::Other => {}
            })
        };
        if !self.subject.subscribe(&names, &hear)? {
            return Ok(0);
        }
        self.corners.store(u64::from(count), Ordering::Relaxed);
        Ok(count)
    }

    /// Drivers begin to report.
    pub fn begin(&self) {
        if !self.pace.ping_every.is_zero() {
            self.push(Instant::now(), Job::Report(0));
        }
    }

    /// From here on, what happens counts for `step`.
    pub fn measure(&self, step: &Arc<Step>) {
        *lock(&self.step) = Some(step.clone());
        step.next().into_iter().for_each(|due| self.push(due, Job::Request(step.clone())));
    }

    /// How many of the crew there are, and how much is due and not begun.
    pub fn crew(&self) -> (usize, usize) {
        self.crew.get().map_or((0, 0), |crew| (crew.size(), crew.behind()))
    }

    /// Rides that can be asked about.
    pub fn known(&self) -> Vec<RideId> {
        lock(&self.known).clone()
    }

    /// Ends it: who is at work finishes. How often a stream told of a gap.
    pub fn end(&self) -> u64 {
        self.crew.get().into_iter().for_each(Crew::end);
        self.gaps.load(Ordering::Relaxed)
    }

    fn push(&self, at: Instant, job: Job) {
        if let Some(crew) = self.crew.get() {
            crew.push(at, job);
        }
    }

    fn act(&self, caller: &mut dyn Caller, due: Instant, job: Job) {
        match job {
            Job::Request(step) => self.request(caller, due, &step),
            Job::Report(turn) => self.report(caller, due, turn),
            Job::Duty(duty) => self.serve(caller, due, duty),
        }
    }

    fn request(&self, caller: &mut dyn Caller, due: Instant, step: &Arc<Step>) {
        step.next().into_iter().for_each(|next| self.push(next, Job::Request(step.clone())));
        let number = self.riders.fetch_add(1, Ordering::Relaxed);
        let wish = self.fleet.wish(number, self.corners.load(Ordering::Relaxed) as usize);
        let order = self.fleet.request(number, wish);
        let ride = Ride { step: step.clone(), due, wish, is_offered: false };
        lock(&self.rides).insert(order.key, ride);
        step.sent(due, Instant::now());
        let answer = caller.order(order);
        step.answered(due, Instant::now(), answer);
        if let Answer::Taken(Some(asked)) = answer {
            lock(&self.known).push(asked.ride);
        }
    }

    fn report(&self, caller: &mut dyn Caller, due: Instant, turn: u64) {
        let Pace { ping_every, bundle, .. } = self.pace;
        let gap = ping_every.as_secs_f64() * f64::from(bundle) / self.fleet.len().max(1) as f64;
        self.push(due + Duration::from_secs_f64(gap), Job::Report(turn + 1));
        let answer = caller.report(self.fleet.key(), self.fleet.report(turn, bundle));
        if let Some(step) = &*lock(&self.step) {
            step.reported(due, Instant::now(), u64::from(bundle), answer);
        }
    }

    /// An offer was made.
    fn offered(&self, offer: &Offer) {
        let Some(driver) = self.fleet.driver(&offer.driver) else { return };
        let mut rides = lock(&self.rides);
        let Some(ride) = rides.get_mut(&offer.request) else { return };
        if !ride.is_offered {
            ride.is_offered = true;
            ride.step.offered(ride.due, offer.seen);
        }
        let Wish { pickup, dropoff } = ride.wish;
        drop(rides);
        self.fleet.moved(driver, pickup);
        let Offer { ride, request, epoch, seen, .. } = *offer;
        let what = What::Accept;
        let duty = Duty { what, driver, ride, request, epoch, dropoff, since: seen, tries: 0, is_lost: false };
        self.push(seen, Job::Duty(duty));
    }

    /// An offer reached a driver by his own subscription.
    fn delivered(&self, offer: &Offer) {
        if let Some(ride) = lock(&self.rides).get(&offer.request) {
            ride.step.delivered(ride.due, offer.seen);
        }
    }

    /// A driver does what is next, and then what comes after that.
    fn serve(&self, caller: &mut dyn Caller, due: Instant, duty: Duty) {
        let answer = caller.order(self.order(&duty));
        let now = Instant::now();
        if let Some(step) = &*lock(&self.step) {
            step.served(due, now, answer);
        }
        match answer {
            Answer::Taken(_) => self.go_on(duty),
            Answer::Refused if duty.is_lost => self.go_on(duty),
            // Too late, as after a stop: the ride is offered to another.
            Answer::Refused if duty.what == What::Accept => {}
            Answer::Refused | Answer::TurnedAway | Answer::Lost if duty.tries < TRIES => {
                let is_lost = duty.is_lost || answer == Answer::Lost;
                self.push(now + AGAIN, Job::Duty(Duty { tries: duty.tries + 1, is_lost, ..duty }));
            }
            Answer::Refused | Answer::TurnedAway | Answer::Lost => {}
        }
    }

    fn go_on(&self, duty: Duty) {
        let Pace { ride, .. } = self.pace;
        let (what, at) = match duty.what {
            What::Accept => (What::Arrive, duty.since + ride / 4),
            What::Arrive => (What::Board, Instant::now()),
            What::Board => (What::End, duty.since + ride),
            What::End => {
                self.fleet.moved(duty.driver, duty.dropoff);
                lock(&self.rides).remove(&duty.request);
                return;
            }
        };
        self.push(at, Job::Duty(Duty { what, tries: 0, is_lost: false, ..duty }));
    }

    fn order(&self, duty: &Duty) -> Order {
        let driver = Name::from(self.fleet.name(duty.driver).as_str());
        let (ride, session) = (RideRef::Number(duty.ride), 1);
        self.fleet.order(match duty.what {
            What::Accept => Body::AcceptOffer(AcceptOffer { driver, ride, epoch: duty.epoch, session }),
            What::Arrive => Body::ArriveAtPickup(ArriveAtPickup { driver, ride, session }),
            What::Board => Body::BoardRider(BoardRider { driver, ride, session }),
            What::End => {
                let place = self.fleet.place(duty.dropoff);
                Body::EndTrip(EndTrip { driver, ride, place, session })
            }
        })
    }
}
