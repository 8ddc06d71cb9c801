//! Hansom's history, made from the log of a simulated evening.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use hansom_api::read::Slice;
use hansom_api::read::history::{Buckets, History, RideFilter, Source};
use hansom_engine::record::canonical::blank;
use hansom_market::log::Reader;
use hansom_simulator::scenario::Scenario;
use hansom_simulator::{Options, simulate};

const SCENARIO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/evening-peak.toml");

pub fn measure(place: &Path) {
    let folder = tempfile::tempdir_in(place).expect("a folder");
    let scenario = Scenario::load(Path::new(SCENARIO), &[]).expect("a scenario");
    let run = folder.path().join("run");
    let options = Options { out: Some(run.clone()), threads: 2, log: true, stop: &AtomicBool::new(false) };
    simulate(&scenario, &options, &mut |_| {}).expect("a run");
    let mut reader = Reader::open(&run).expect("a log");
    let path = folder.path().join("history.redb");
    let (history, mut writer) = History::create(&path, &Source::of(reader.header())).expect("a disk");
    let began = Instant::now();
    let mut turn = blank();
    while reader.next(&mut turn).expect("turns").is_some() {
        writer.take(&turn);
        if writer.pending() >= 4096 {
            writer.write(false).expect("a disk");
        }
    }
    writer.write(true).expect("a disk");
    let took = began.elapsed().as_secs_f64();
    let turns = writer.reach().next;
    let all = history.rides(&RideFilter::default(), &Slice { last: true, ..Slice::first(1) }).expect("rows");
    let rides = all.items.first().map_or(0, |(number, _)| *number);
    println!("ours, from the log of evening-peak: {turns} turns, {rides} rides in {took:.2} s");
    println!("  {} bytes a ride", std::fs::metadata(&path).expect("a file").len() / u64::from(rides.max(1)));
    let (from_ms, span_ms) = (scenario.period.start.0, 300_000);
    let count = ((scenario.period.end - scenario.period.start).0 / span_ms) as usize;
    let began = Instant::now();
    let kpis = history.kpis(Buckets { from_ms, span_ms, count }).expect("rows");
    println!("  KPIs of {} windows over all rides: {:.1} ms", kpis.len(), began.elapsed().as_secs_f64() * 1e3);
    let began = Instant::now();
    for number in 1..=rides {
        history.ride(number).expect("rows");
    }
    println!("  a ride, read: {:.2} µs", began.elapsed().as_secs_f64() * 1e6 / f64::from(rides));
    let page = Slice::first(20);
    let began = Instant::now();
    for number in 1..=1000 {
        let filter = RideFilter { rider: Some(format!("r{number}")), ..RideFilter::default() };
        history.rides(&filter, &page).expect("rows");
    }
    println!("  a page of a rider's rides: {:.1} µs", began.elapsed().as_secs_f64() * 1e3);
}
