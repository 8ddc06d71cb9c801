//! Markets that are opened, closed and broken while others serve.

mod elsewhere;
mod planted;

use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use actix::{Context, Handler, Message};
use actix_rt::System;
use hansom_engine::domain::{Epoch, Money, Session};
use hansom_engine::domain::{Planner, Policy, Settings};
use hansom_engine::record::{Header, PingRefusal, RequestRide, RideRequested, StartShift};
use hansom_engine::{Event, Name, Offset, RideId, Turn};
use hansom_geo_index::network::sample;
use hansom_geo_index::{EdgeId, Millis, NodeId, Position as Place, WeightsVersion};
use hansom_market::Streets;
use hansom_market::ingest::Position;
use hansom_market::log::{Mode, Writer};

use super::*;
use crate::answer::Cause;
use crate::clock::WallClock;
use crate::events::Read;
use crate::reports::{NotPlaced, Reported};

/// Makes a market break as one does that panicked while it changed its state.
struct Break;

impl Message for Break {
    type Result = ();
}

impl Handler<Break> for MarketActor {
    type Result = ();

    fn handle(&mut self, _: Break, ctx: &mut Context<Self>) {
        self.break_down(ctx);
    }
}

fn spec(name: &str, data: &Path) -> Spec {
    let streets = Streets::new(Arc::new(sample::grid(5, 5, 100_000, 10_000)));
    let policy = Policy { planner: Planner::Nearest, ..Policy::default() };
    let header = Header::new(name, &streets.network, Settings { policy, ..Settings::default() }, Millis(0));
    Spec { capacity: 16, reopen_after: Duration::from_millis(5), ..Spec::new(header, streets, data) }
}

/// When the tests began: by it the same order has the same key for as long as they take.
static BEGAN: LazyLock<Millis> = LazyLock::new(|| WallClock::Machine.now());

/// A key of the present time.
fn key(number: u128) -> Key {
    Key((BEGAN.0 as u128) << 80 | 7 << 76 | 0b10 << 62 | number)
}

fn name_of(driver: u128) -> Name {
    Name(format!("driver {driver}").into())
}

/// A driver goes on shift, by the order of the same number.
async fn shift(market: &MarketHandle, number: u128) -> Result<Answer, NotTaken> {
    shift_of(market, number, number).await
}

async fn shift_of(market: &MarketHandle, number: u128, driver: u128) -> Result<Answer, NotTaken> {
    let network = sample::grid(5, 5, 100_000, 10_000);
    let order = StartShift {
        driver: name_of(driver),
        place: network.node_coord(NodeId(3)),
        seats: 4,
        class: 0,
        autonomous: false,
        until: None,
        home: None,
        rating: 480,
    };
    market.submit(Some(key(number)), Command::StartShift(Box::new(order)))?.answer().await
}

/// A rider asks for a ride where drivers go on shift.
async fn request(market: &MarketHandle, number: u128) -> Result<Answer, NotTaken> {
    let network = sample::grid(5, 5, 100_000, 10_000);
    let order = RequestRide {
        rider: Name(format!("rider {number}").into()),
        pickup: network.node_coord(NodeId(3)),
        dropoff: network.node_coord(NodeId(9)),
        seats: 1,
        class: 0,
        tier: 0,
        blocked: [].into(),
    };
    market.submit(Some(key(number)), Command::RequestRide(Box::new(order)))?.answer().await
}

/// The turns of a market that is closed.
fn turns(data: &Path, name: &str) -> Vec<Turn> {
    let mut reader = Reader::open(&data.join(name).join(LOG_FOLDER)).expect("a log");
    let (mut turns, mut turn) = (Vec::new(), blank());
    while reader.next(&mut turn).expect("it is whole").is_some() {
        turns.push(turn.clone());
    }
    turns
}

fn position(driver: u128, seq: u32) -> Location {
    let place = sample::grid(5, 5, 100_000, 10_000).node_coord(NodeId(3));
    let position = Position { driver: name_of(driver), session: 1, seq, place };
    Location { id: "1".into(), market: None, measured: None, position }
}

/// A turn that no market takes, since the ride in it starts on no street: its bytes are as good as any.
fn absurd(offset: u64) -> Turn {
    let nowhere = Place { edge: EdgeId(u32::MAX), along: 0 };
    let asked = RideRequested {
        ride: RideId(1),
        rider: Name("nobody".into()),
        pickup: nowhere,
        dropoff: nowhere,
        seats: 1,
        class: 0,
        tier: 0,
        blocked: [].into(),
        weights: WeightsVersion(0),
        direct_ms: 0,
        direct_mm: 0,
        fare: Money(0),
        first_eta_ms: None,
        review_at: Millis(0),
    };
    Turn { offset: Offset(offset), events: vec![Event::RideRequested(Box::new(asked))], ..blank() }
}

fn taken(answer: Result<Answer, NotTaken>) -> Offset {
    match answer {
        Ok(Answer::Taken { offset }) => offset,
        other => panic!("it was not taken: {other:?}"),
    }
}

async fn until(market: &MarketHandle, wanted: impl FnMut(&Standing) -> bool) {
    market.watch().wait_for(wanted).await.expect("the market is there");
}

#[test]
fn a_market_that_breaks_stops_alone_and_comes_back_from_its_log() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let dispatcher = Dispatcher::new();
        let broken = dispatcher.open(spec("broken", data.path())).expect("a new name");
        let sound = dispatcher.open(spec("sound", data.path())).expect("a new name");
        assert!(broken.ready().await.is_serving() && sound.ready().await.is_serving());
        let first = taken(shift(&broken, 1).await);

        let actor = dispatcher.lock()["broken"].actor.clone();
        actor.try_send(Break).expect("there is room");
        until(&broken, |standing| matches!(standing, Standing::Halted { .. })).await;
        let refused = shift(&broken, 2).await;
        assert!(matches!(refused, Err(NotTaken::Away(Standing::Halted { .. }))), "{refused:?}");
        assert!(matches!(broken.events().read(0, 1), Read::Told { .. }), "what is durable can be read");
        taken(shift(&sound, 3).await);
        assert!(dispatcher.figures().text().expect("text").contains("hansom_halts_total{market=\"broken\"} 1"));

        until(&broken, Standing::is_serving).await;
        assert_eq!(taken(shift(&broken, 1).await), first, "it knows what it knew");
        assert!(taken(shift(&broken, 2).await) > first);
        dispatcher.close_all().await.expect("both logs are closed");
    });
}

#[test]
fn a_market_whose_machine_refuses_is_tried_until_it_can_be_opened() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let dispatcher = Dispatcher::new();
        let town = dispatcher.open(spec("town", data.path())).expect("a new name");
        assert!(town.ready().await.is_serving());
        let first = taken(shift(&town, 1).await);

        // What holds the lock keeps it, but whoever opens the market next cannot write where it is to be.
        let lock = data.path().join("town/lock");
        std::fs::remove_file(&lock).expect("the market has a lock");
        std::fs::create_dir(&lock).expect("its name is free");
        let actor = dispatcher.lock()["town"].actor.clone();
        actor.try_send(Break).expect("there is room");
        let mut standing = town.watch();
        while dispatcher
            .figures()
            .text()
            .expect("text")
            .lines()
            .all(|line| line != "hansom_halts_total{market=\"town\"} 9")
        {
            standing.changed().await.expect("the market is there");
        }
        let refused = town.standing();
        assert!(matches!(&refused, Standing::Halted { cause } if matches!(**cause, Cause::Recovery(_))), "{refused}");

        std::fs::remove_dir(&lock).expect("it is empty");
        until(&town, Standing::is_serving).await;
        assert_eq!(taken(shift(&town, 1).await), first, "it knows what it knew");
        dispatcher.close_all().await.expect("it closes");
    });
}

#[test]
fn markets_come_and_go_while_others_serve() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let dispatcher = Dispatcher::new();
        let stays = dispatcher.open(spec("stays", data.path())).expect("a new name");
        assert!(stays.ready().await.is_serving());
        let mut first = None;
        for _ in 0..3 {
            let goes = dispatcher.open(spec("goes", data.path())).expect("the name is free");
            assert!(goes.ready().await.is_serving());
            assert!(matches!(dispatcher.open(spec("goes", data.path())), Err(MarketsError::Twice { .. })));
            let offset = taken(shift(&goes, 1).await);
            assert_eq!(*first.get_or_insert(offset), offset);
            taken(shift(&stays, 3).await);
            dispatcher.close("goes").await.expect("it closes");
            assert!(matches!(goes.standing(), Standing::Closed));
            assert!(matches!(shift(&goes, 2).await, Err(NotTaken::Away(Standing::Closed))));
            assert!(dispatcher.market("goes").is_none());
        }
        assert!(matches!(dispatcher.close("goes").await, Err(MarketsError::Unknown { .. })));
        dispatcher.close_all().await.expect("it closes");
    });
}

#[test]
fn a_folder_has_one_writer() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let (one, other) = (Dispatcher::new(), Dispatcher::new());
        let first = one.open(spec("town", data.path())).expect("a new name");
        assert!(first.ready().await.is_serving());
        let second = other.open(spec("town", data.path())).expect("a new name there");
        assert!(matches!(second.ready().await, Standing::Halted { .. }));
        taken(shift(&first, 1).await);
        other.close_all().await.expect("there is nothing to close");
        one.close_all().await.expect("it closes");
    });
}

#[test]
fn a_release_that_fails_halts_its_market_and_nobody_waits_for_ever() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let dispatcher = Dispatcher::new();
        let town = dispatcher.open(spec("town", data.path())).expect("a new name");
        assert!(town.ready().await.is_serving());
        let first = taken(shift(&town, 1).await);
        let outbox = dispatcher.lock()["town"].outbox.clone();
        let mut standing = town.watch();
        let (_, _, report) = town.report_all(vec![position(1, 1)].into_iter());
        outbox.send(Durable::Turns(vec![Arc::new(absurd(first.0 + 1))], Instant::now())).await.expect("it is taken");
        let halted = standing.wait_for(|standing| matches!(standing, Standing::Halted { .. })).await;
        let halted = halted.expect("the market is there").clone();
        assert!(matches!(&halted, Standing::Halted { cause } if matches!(**cause, Cause::Stuck)), "{halted}");
        assert!(matches!(report.answer().await, Err(NotTaken::Unknown)), "whether it is durable is not known");
        until(&town, Standing::is_serving).await;
        assert_eq!(taken(shift(&town, 1).await), first, "it is released again");
        assert!(taken(shift(&town, 2).await) > first);
        dispatcher.close_all().await.expect("it closes");
    });
}

#[test]
fn a_market_whose_log_failed_says_so_before_its_next_command() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let dispatcher = Dispatcher::new();
        let town = dispatcher.open(spec("town", data.path())).expect("a new name");
        assert!(town.ready().await.is_serving());
        let outbox = dispatcher.lock()["town"].outbox.clone();
        let mut standing = town.watch();
        outbox.send(Durable::Failed(LogError::Failed)).await.expect("it is taken");
        let halted = standing.wait_for(|standing| matches!(standing, Standing::Halted { .. })).await;
        assert!(matches!(&*halted.expect("the market is there"), Standing::Halted { cause } if matches!(**cause, Cause::Log(_))));
        until(&town, Standing::is_serving).await;
        dispatcher.close_all().await.expect("it closes");
    });
}

#[test]
fn a_log_that_makes_the_program_fail_halts_its_market_and_says_so() {
    let data = tempfile::tempdir().expect("a folder");
    let spec = spec("town", data.path());
    let mut log = Writer::create(&spec.folder.join(LOG_FOLDER), &spec.header, Mode::Inline).expect("a folder");
    log.append(absurd(0)).expect("it can be written");
    log.close().expect("it can be written");
    System::new().block_on(async {
        let dispatcher = Dispatcher::new();
        let town = dispatcher.open(spec).expect("a new name");
        let standing = town.ready().await;
        assert!(matches!(&standing, Standing::Halted { cause } if matches!(**cause, Cause::Panicked(_))), "{standing}");
        dispatcher.close_all().await.expect("there is nothing to close");
    });
}

#[test]
fn a_clock_that_is_set_back_holds_no_deadline_up_and_one_that_is_set_forward_takes_no_offer_back() {
    let data = tempfile::tempdir().expect("a folder");
    let time: &'static AtomicI64 = Box::leak(Box::new(AtomicI64::new(BEGAN.0)));
    let mut given = spec("town", data.path());
    given.clock = WallClock::Given(time);
    given.header.settings.offer_life = Millis::from_secs(1);
    System::new().block_on(async {
        let dispatcher = Dispatcher::new();
        let town = dispatcher.open(given).expect("a new name");
        assert!(town.ready().await.is_serving());
        time.fetch_sub(3_600_000, Ordering::Relaxed);
        taken(shift(&town, 1).await);
        taken(request(&town, 2).await);
        let mut moves = town.events().watch();
        let expired =
            |told: &[Told]| told.iter().any(|told| String::from_utf8_lossy(&told.lines).contains("offer_expired"));
        while !matches!(town.events().read(0, 100), Read::Told { told, .. } if expired(&told)) {
            moves.changed().await.expect("the market is there");
        }
        // The next driver has the offer now; a minute passes that nobody sees.
        let second = taken(shift(&town, 3).await);
        while !matches!(town.events().read(second.0 + 1, 100), Read::Told { told, .. } if !told.is_empty()) {
            moves.changed().await.expect("the market is there");
        }
        time.fetch_add(3_600_000 + 60_000, Ordering::Relaxed);
        let accept = Command::AcceptOffer {
            driver: hansom_engine::DriverId(1),
            ride: RideId(1),
            epoch: Epoch(2),
            session: Session::FIRST,
        };
        taken(town.submit(Some(key(4)), accept).expect("it serves").answer().await);
        dispatcher.close_all().await.expect("it closes");
    });
    let turns = turns(data.path(), "town");
    let gap = turns.iter().flat_map(|turn| &turn.events).find_map(|event| match event {
        Event::Resumed { gap_ms } => Some(*gap_ms),
        _ => None,
    });
    assert!(gap.is_some_and(|gap| (50_000..=60_000).contains(&gap)), "{gap:?}");
    assert!(turns.windows(2).all(|two| two[0].at <= two[1].at));
}

#[test]
fn positions_that_were_received_are_in_the_log_of_a_market_that_was_closed() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let dispatcher = Dispatcher::new();
        let town = dispatcher.open(spec("town", data.path())).expect("a new name");
        assert!(town.ready().await.is_serving());
        taken(shift(&town, 1).await);
        let (_, reported, report) = town.report_all(vec![position(1, 1), position(2, 1)].into_iter());
        reported.expect("there is room");
        dispatcher.close_all().await.expect("it closes");
        let Reported { offset, not_placed } = report.answer().await.expect("it is durable");
        let refused = NotPlaced::Refused { offset, reason: PingRefusal::UnknownDriver };
        assert_eq!(not_placed, [(1, refused)]);
        let late = town.report_all(vec![position(1, 2)].into_iter()).1;
        assert!(matches!(late, Err(NotTaken::Away(Standing::Closed))));
    });
    let moved = |event: &Event| matches!(event, Event::DriverMoved { seq: 1, .. });
    assert!(turns(data.path(), "town").iter().any(|turn| turn.events.iter().any(moved)));
}
