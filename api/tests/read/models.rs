//! Read models beside a market that serves: how far they are, what becomes of them when it ends, and what harms them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::rt::System;
use actix_web::rt::task::spawn_blocking;
use hansom_api::read::history::{FILE, History, RideFilter, Source, Status};
use hansom_api::read::{NotRead, PastError, ReadModels, Reading, Slice};
use hansom_dispatcher::{Answer, Dispatcher, MarketHandle, Spec};
use hansom_engine::record::canonical::blank;
use hansom_engine::record::{RequestRide, StartShift};
use hansom_engine::{Command, Key, Name, Offset, RideId};
use hansom_geo_index::NodeId;
use hansom_market::log::Reader;
use hansom_market::replay::{self, Until};

use crate::served::spec;

/// A process with one market and its read models.
struct Process {
    dispatcher: Dispatcher,
    models: ReadModels,
    market: MarketHandle,
    reading: Arc<Reading>,
    spec: Spec,
}

/// Each order has a key of its own.
static KEYS: AtomicU64 = AtomicU64::new(1);

impl Process {
    async fn start(data: &Path) -> Self {
        let spec = spec("town", data, 1024);
        let (dispatcher, models) = (Dispatcher::new(), ReadModels::default());
        let market = dispatcher.open(spec.clone()).expect("a name of its own");
        let reading = models.follow(market.clone(), spec.clone());
        assert!(market.ready().await.is_serving());
        Self { dispatcher, models, market, reading, spec }
    }

    async fn stop(self) {
        self.dispatcher.close_all().await.expect("logs are closed");
        spawn_blocking(move || self.models.close()).await.expect("they end");
    }

    async fn order(&self, command: Command) -> u64 {
        let now = self.spec.clock.now().0 as u128;
        let key = Key(now << 80 | 7 << 76 | 0b10 << 62 | u128::from(KEYS.fetch_add(1, Ordering::Relaxed)));
        match self.market.submit(Some(key), command).expect("there is room").answer().await.expect("it is taken") {
            Answer::Taken { offset } => offset.0,
            other => panic!("{other:?}"),
        }
    }

    async fn shift(&self, driver: &str, corner: u32) -> u64 {
        self.order(Command::StartShift(Box::new(StartShift {
            driver: Name::from(driver),
            place: self.spec.streets.network.node_coord(NodeId(corner)),
            seats: 4,
            class: 0,
            autonomous: false,
            until: None,
            home: None,
            rating: 480,
        })))
        .await
    }

    fn request(&self, rider: &str, from: u32, to: u32) -> RequestRide {
        let corner = |node| self.spec.streets.network.node_coord(NodeId(node));
        let (pickup, dropoff) = (corner(from), corner(to));
        RequestRide { rider: Name::from(rider), pickup, dropoff, seats: 1, class: 0, tier: 0, blocked: Box::default() }
    }

    async fn ride(&self, rider: &str, from: u32) -> u64 {
        self.order(Command::RequestRide(Box::new(self.request(rider, from, from + 40)))).await
    }

    /// The history once it has this turn, however long that takes.
    async fn history(&self, offset: u64) -> Arc<History> {
        loop {
            if let Ok(history) = self.reading.history(Some(offset)).await {
                return history;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// A history made from the log, in a file of its own, up to where `like` reaches.
fn made_anew(spec: &Spec, like: &History) -> [u8; 32] {
    let folder = tempfile::tempdir().expect("a folder");
    let (history, mut writer) =
        History::create(&folder.path().join("anew"), &Source::of(&spec.header)).expect("a disk");
    let mut reader = Reader::open(&spec.folder).expect("a log");
    let mut turn = blank();
    let next = like.reach().expect("rows").next;
    while reader.position() < next && reader.next(&mut turn).expect("turns").is_some() {
        writer.take(&turn);
    }
    writer.write(true).expect("a disk");
    history.digest().expect("rows")
}

#[test]
fn who_wrote_reads_what_he_wrote() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let town = Process::start(data.path()).await;
        for number in 1..=50_u32 {
            let driver = format!("d{number}");
            let offset = town.shift(&driver, number).await;
            let shown = town.reading.view(Some(offset), |view| view.driver(&driver)).await.expect("not stale");
            assert!(shown.is_some(), "{driver}");
            let offset = town.ride(&format!("r{number}"), number).await;
            let history = town.reading.history(Some(offset)).await.expect("not stale");
            let ride = history.ride(number).expect("rows").expect("it was asked for");
            assert_eq!((ride.rider.as_str(), ride.story[0].offset), (format!("r{number}").as_str(), offset));
        }
        town.stop().await;
    });
}

#[test]
fn a_question_for_a_turn_to_come_is_told_so() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let town = Process::start(data.path()).await;
        let offset = town.shift("ann", 3).await;
        town.history(offset).await;
        let view = town.reading.view(Some(offset + 1000), |_| ()).await;
        assert!(
            matches!(view, Err(NotRead::Stale { wanted, next }) if wanted == offset + 1000 && next > offset),
            "{view:?}"
        );
        let history = town.reading.history(Some(offset + 1000)).await;
        assert!(matches!(history, Err(NotRead::Stale { .. })), "{history:?}");
        town.stop().await;
    });
}

#[test]
fn a_quote_is_what_the_request_is_told() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let town = Process::start(data.path()).await;
        let offset = town.shift("ann", 3).await;
        let (_, quote) = town.reading.quote(Some(offset), town.request("rob", 20, 60)).await.expect("a view");
        let offset = town.order(Command::RequestRide(Box::new(town.request("rob", 20, 60)))).await;
        let ride = town.history(offset).await.ride(1).expect("rows").expect("it was asked for");
        assert_eq!(Some(quote.expect("it can be served")), ride.quote);
        let mut nowhere = town.request("rob", 20, 60);
        nowhere.pickup.lat += 10_000_000;
        assert!(town.reading.quote(None, nowhere).await.expect("a view").1.is_err());
        town.stop().await;
    });
}

#[test]
fn history_goes_on_after_a_restart_and_equals_one_made_anew() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        for life in 0..3_u32 {
            let town = Process::start(data.path()).await;
            for number in 0..5 {
                town.shift(&format!("d{life}-{number}"), life * 60 + number * 5).await;
                town.ride("rob", life * 60 + number * 5).await;
            }
            let offset = town.order(Command::CancelRide { ride: RideId(life * 5 + 1) }).await;
            let history = town.history(offset).await;
            let rides = history.rides(&RideFilter::default(), &Slice::first(100)).expect("rows").items;
            assert_eq!(rides.len() as u32, (life + 1) * 5);
            assert_ne!(rides[life as usize * 5].1.status(), Status::Searching);
            assert_eq!(history.digest().expect("rows"), made_anew(&town.spec, &history));
            town.stop().await;
        }
    });
}

#[test]
fn a_history_that_is_gone_broken_or_of_another_log_is_made_anew() {
    let data = tempfile::tempdir().expect("a folder");
    let file = data.path().join("town").join(FILE);
    let other = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let town = Process::start(data.path()).await;
        for number in 0..5 {
            town.shift(&format!("d{number}"), number).await;
            town.ride("rob", number).await;
        }
        town.stop().await;

        // One that knows more than the log: as if the log had been taken from an older copy.
        let longer = Process::start(other.path()).await;
        for number in 0..50 {
            longer.shift(&format!("e{number}"), number).await;
        }
        longer.stop().await;

        let harms: [&dyn Fn(); 4] = [
            &|| fs::remove_file(&file).expect("it is there"),
            &|| fs::write(&file, b"no database").expect("a disk"),
            &|| {
                let bytes = fs::read(&file).expect("it is there");
                fs::write(&file, &bytes[..bytes.len() / 3]).expect("a disk");
            },
            &|| _ = fs::copy(other.path().join("town").join(FILE), &file).expect("a disk"),
        ];
        for (index, harm) in harms.iter().enumerate() {
            harm();
            let town = Process::start(data.path()).await;
            let offset = town.ride("rob", 10 + index as u32).await;
            let history = town.history(offset).await;
            let rides = history.rides(&RideFilter::default(), &Slice::first(100)).expect("rows").items;
            assert_eq!(rides.len(), 6 + index);
            assert_eq!(history.digest().expect("rows"), made_anew(&town.spec, &history));
            town.stop().await;
        }
    });
}

#[test]
fn a_history_that_cannot_be_written_halts_nothing_and_comes_back() {
    let data = tempfile::tempdir().expect("a folder");
    let file = data.path().join("town").join(FILE);
    fs::create_dir_all(file.join("in the way")).expect("a disk");
    System::new().block_on(async {
        let town = Process::start(data.path()).await;
        town.shift("ann", 3).await;
        let offset = town.ride("rob", 3).await;
        loop {
            match town.reading.history(None).await {
                Err(NotRead::Unavailable { history: true, why }) if why.contains(FILE) => break,
                _ => tokio::task::yield_now().await,
            }
        }
        assert_eq!(town.reading.view(Some(offset), |view| view.counts().on_shift).await.expect("a view"), 1);
        let offset = town.ride("rob", 9).await;
        assert!(town.market.standing().is_serving());
        assert!(town.reading.standing().not_current.is_some());
        fs::remove_dir_all(&file).expect("it is there");
        let history = town.history(offset).await;
        assert_eq!(history.rides(&RideFilter::default(), &Slice::first(9)).expect("rows").items.len(), 2);
        town.stop().await;
    });
}

#[test]
fn the_past_is_what_the_log_folds_to() {
    let data = tempfile::tempdir().expect("a folder");
    System::new().block_on(async {
        let town = Process::start(data.path()).await;
        let mut offsets = Vec::new();
        for number in 0..6 {
            offsets.push(town.shift(&format!("d{number}"), number).await);
            offsets.push(town.ride("rob", number).await);
        }
        town.stop().await;
        // Its end left a snapshot, so that the past is before it and behind it.
        let town = Process::start(data.path()).await;
        offsets.push(town.ride("rob", 77).await);
        let until = Instant::now() + Duration::from_secs(60);
        for offset in offsets {
            let past = town.reading.past(offset, until).expect("it can be told");
            let mut reader = Reader::open(&town.spec.folder).expect("a log");
            let folded =
                replay::fold(&mut reader, &town.spec.streets.network, Until::Offset(Offset(offset)), |_, _| {});
            assert_eq!(past.state().digest(), folded.expect("turns").state.digest());
            assert_eq!(past.reach().next, offset + 1);
        }
        let ahead = town.reading.past(1_000, until).expect_err("there is no such turn");
        assert!(matches!(ahead, NotRead::Past(PastError::Ahead { .. })), "{ahead}");
        town.stop().await;
    });
}
