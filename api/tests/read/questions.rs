//! Answers to questions, held against a walk over everything.

use super::{all, course, view, whole};
use hansom_api::read::history::{Buckets, History, Ride, RideFilter, Status};
use hansom_api::read::{Activity, DriverFilter, Page, Slice};
use proptest::prelude::*;

fn filter() -> impl Strategy<Value = RideFilter> {
    let rider = prop::option::weighted(0.3, prop_oneof![Just("rider".to_owned()), Just("nobody".to_owned())]);
    let driver = prop::option::weighted(0.3, (0..7_u8).prop_map(|n| format!("driver {n}")));
    let status =
        prop_oneof![Just(Status::Searching), Just(Status::OnBoard), Just(Status::Completed), Just(Status::NoDriver)];
    let time = || prop::option::weighted(0.3, 0..3_000_000_i64);
    (rider, driver, prop::collection::vec(status, 0..3), prop::option::weighted(0.3, any::<bool>()), time(), time())
        .prop_map(|(rider, driver, statuses, open, from_ms, until_ms)| RideFilter {
            rider,
            driver,
            statuses,
            open,
            from_ms,
            until_ms,
        })
}

/// Whether a ride is meant, said in another way.
fn meant(filter: &RideFilter, ride: &Ride) -> bool {
    let RideFilter { rider, driver, statuses, open, from_ms, until_ms } = filter;
    !(rider.as_ref().is_some_and(|rider| *rider != ride.rider)
        || driver.as_ref().is_some_and(|driver| ride.driver.as_ref() != Some(driver))
        || !statuses.is_empty() && !statuses.contains(&ride.status())
        || *open == Some(!ride.is_open())
        || from_ms.is_some_and(|from| ride.requested_at_ms < from)
        || until_ms.is_some_and(|until| until <= ride.requested_at_ms))
}

/// All pages, one after another.
fn pages<K: Clone + PartialEq, T>(last: bool, limit: usize, mut ask: impl FnMut(&Slice<K>) -> Page<K, T>) -> Vec<T> {
    let mut slice = Slice { after: None, before: None, last, limit };
    let mut found = Vec::new();
    loop {
        let page = ask(&slice);
        assert!(page.items.len() <= limit);
        let reached = page.reached.clone();
        let items: Vec<T> = page.items.into_iter().map(|(_, item)| item).collect();
        if last {
            found.extend(items.into_iter().rev());
        } else {
            found.extend(items);
        }
        if !page.more {
            break;
        }
        if last { slice.before = reached } else { slice.after = reached }
    }
    if last {
        found.reverse();
    }
    found
}

/// KPIs as a summary of trips has them, by sorting.
fn percentile(spans: &[i64], p: usize) -> Option<f64> {
    let rank = (spans.len() * p).div_ceil(100).max(1);
    spans.get(rank - 1).map(|ms| *ms as f64 / 1000.0)
}

fn assert_kpis(history: &History, rides: &[Ride], buckets: Buckets) {
    for (index, kpis) in history.kpis(buckets).expect("rows").into_iter().enumerate() {
        let from = buckets.from_ms + index as i64 * buckets.span_ms;
        let rides: Vec<&Ride> =
            rides.iter().filter(|ride| (from..from + buckets.span_ms).contains(&ride.requested_at_ms)).collect();
        let count = |status: Status| rides.iter().filter(|ride| ride.status() == status).count() as u64;
        assert_eq!(kpis.requests, rides.len() as u64);
        assert_eq!(kpis.outcomes.completed, count(Status::Completed));
        assert_eq!(kpis.outcomes.refused, count(Status::Refused));
        assert_eq!(kpis.outcomes.open, rides.iter().filter(|ride| ride.is_open()).count() as u64);
        let spans = |from: fn(&Ride) -> Option<i64>, to: fn(&Ride) -> Option<i64>| {
            let mut spans: Vec<i64> = rides.iter().filter_map(|ride| Some(to(ride)? - from(ride)?)).collect();
            spans.sort_unstable();
            spans
        };
        let asked = |ride: &Ride| Some(ride.requested_at_ms);
        for (spread, spans) in [
            (kpis.wait, spans(asked, |ride| ride.picked_up_at_ms)),
            (kpis.time_to_offer, spans(asked, |ride| ride.first_offer_at_ms)),
            (kpis.in_vehicle, spans(|ride| ride.picked_up_at_ms, Ride::dropped_off_at_ms)),
        ] {
            assert_eq!(spread.count, spans.len() as u64);
            assert_eq!(
                (spread.p50_s, spread.p90_s, spread.p95_s),
                (percentile(&spans, 50), percentile(&spans, 90), percentile(&spans, 95))
            );
        }
        let paid: i64 = rides.iter().filter_map(|ride| ride.payment).map(|payment| payment.fare_minor).sum();
        assert_eq!(kpis.total_minor, paid);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn pages_of_rides_are_what_a_walk_over_all_finds(
        course in course(),
        filters in prop::collection::vec((filter(), any::<bool>(), 1..6_usize), 1..12),
        buckets in (-1_000..1_000_000_i64, 1..500_000_i64, 1..5_usize),
    ) {
        let (turns, _) = course.play();
        let folder = tempfile::tempdir().expect("a folder");
        let (history, _writer) = whole(&folder.path().join("history"), &course.source(), &turns);
        let rides = all(&history);
        for (filter, last, limit) in filters {
            let found = pages(last, limit, |slice| history.rides(&filter, slice).expect("rows"));
            let wanted: Vec<Ride> = rides.iter().filter(|ride| meant(&filter, ride)).cloned().collect();
            prop_assert_eq!(found, wanted);
        }
        for ride in &rides {
            prop_assert_eq!(history.ride(ride.ride).expect("rows"), Some(ride.clone()));
            if let Some(key) = ride.request_key() {
                prop_assert_eq!(history.requested_by(key).expect("rows"), Some(ride.ride));
            }
        }
        let (from_ms, span_ms, count) = buckets;
        assert_kpis(&history, &rides, Buckets { from_ms, span_ms, count });
    }

    #[test]
    fn pages_of_drivers_go_by_name_and_the_nearest_are_near(
        course in course(),
        last in any::<bool>(),
        limit in 1..5_usize,
        radius_m in 0..3_000_u32,
        at in any::<u16>(),
    ) {
        let (turns, state) = course.play();
        let view = view(&course, &turns);
        let filter = DriverFilter { on_shift: Some(true), ..DriverFilter::default() };
        let found = pages(last, limit, |slice| view.drivers(&filter, slice));
        let mut names: Vec<String> = state
            .fleet()
            .drivers()
            .filter(|driver| driver.session != hansom_engine::lifecycle::session::Status::Off)
            .map(|driver| driver.name.to_string())
            .collect();
        names.sort();
        prop_assert_eq!(found.iter().map(|driver| driver.name.clone()).collect::<Vec<_>>(), names);
        for driver in &found {
            prop_assert_eq!(view.driver(&driver.name), Some(driver.clone()));
        }

        let network = course.network();
        let edge = hansom_geo_index::EdgeId(u32::from(at) % network.edge_count() as u32);
        let place = hansom_geo_index::Position { edge, along: at };
        let point = network.point(place);
        let near = view.nearby(network.projection().coord(point), radius_m * 1000, 3);
        prop_assert!(near.iter().map(|(mm, _)| *mm).is_sorted());
        prop_assert!(near.iter().all(|(mm, driver)| *mm <= u64::from(radius_m) * 1000 && driver.activity == Activity::Available));
        let squared = |driver: &hansom_engine::state::Driver| {
            let at = network.point(driver.anchor);
            let point = network.projection().point(network.projection().coord(point));
            let span = |a: i32, b: i32| (i64::from(a) - i64::from(b)).pow(2) as u64;
            span(at.x, point.x) + span(at.y, point.y)
        };
        let within = (u64::from(radius_m) * 1000).pow(2);
        let free = state.fleet().drivers().filter(|driver| driver.is_available()).map(squared).filter(|mm| *mm <= within);
        let mut free: Vec<u64> = free.map(u64::isqrt).collect();
        free.sort_unstable();
        free.truncate(3);
        prop_assert_eq!(near.iter().map(|(mm, _)| *mm).collect::<Vec<_>>(), free);
    }
}
