//! Markets that are opened, closed and broken while others serve.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use actix::{Context, Handler, Message};
use actix_rt::System;
use hansom_engine::domain::{Planner, Policy, Settings};
use hansom_engine::record::{FORMAT_VERSION, Header, LOGIC_VERSION, StartShift};
use hansom_engine::{Name, Offset};
use hansom_geo_index::network::sample;
use hansom_geo_index::{Millis, NodeId};
use hansom_market::Streets;

use super::*;
use crate::answer::Cause;
use crate::clock::WallClock;
use crate::events::Read;

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
    let header = Header {
        format_version: FORMAT_VERSION,
        logic_version: LOGIC_VERSION,
        network_hash: streets.network.id(),
        origin: streets.network.projection().origin,
        settings: Settings { policy, ..Settings::default() },
        started_at: Millis(0),
        name: name.to_owned(),
        seed: 0,
        planner_latency: Millis::ZERO,
        scenario: String::new(),
    };
    Spec {
        header,
        streets,
        folder: data.join(name),
        clock: WallClock::Machine,
        capacity: 16,
        keep_positions: Millis::from_secs(3600),
        keep_told_bytes: crate::KEEP_TOLD_BYTES,
        rules: None,
        reopen_after: Duration::from_millis(5),
    }
}

/// When the tests began: by it the same order has the same key for as long as they take.
static BEGAN: LazyLock<Millis> = LazyLock::new(|| WallClock::Machine.now());

/// A driver goes on shift. The key is of the present time.
async fn shift(market: &MarketHandle, number: u128) -> Result<Answer, NotTaken> {
    let network = sample::grid(5, 5, 100_000, 10_000);
    let key = Key((BEGAN.0 as u128) << 80 | 7 << 76 | 0b10 << 62 | number);
    let order = StartShift {
        driver: Name(format!("driver {number}").into()),
        place: network.node_coord(NodeId(3)),
        seats: 4,
        class: 0,
        autonomous: false,
        until: None,
        home: None,
        rating: 480,
    };
    market.submit(Some(key), Command::StartShift(Box::new(order)))?.answer().await
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
        taken(shift(&sound, 1).await);
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
            taken(shift(&stays, 1).await);
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
