//! Demand from files and from the model.

use std::io::Write as _;
use std::path::Path;

use hansom_geo_index::import::synthetic;
use hansom_geo_index::{Coord, Millis, Network};
use hansom_simulator::demand::{self, DemandError, Places, Request, RequestFile, RowFault};
use hansom_simulator::rng::{Purpose, Stream};
use hansom_simulator::scenario::{Override, Period, Scenario};
use proptest::prelude::*;

const HEADER: &str = "request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,passengers,observed_duration_s,observed_distance_m,observed_fare\n";
/// 2018-05-16T00:00:00-04:00.
const MIDNIGHT: i64 = 1_526_443_200_000;
const DAY: Period = Period { start: Millis(MIDNIGHT), end: Millis(MIDNIGHT + 86_400_000) };

fn parse(rows: &str) -> Result<RequestFile, DemandError> {
    RequestFile::parse(Path::new("requests.csv"), format!("{HEADER}{rows}").as_bytes(), DAY)
}

/// Rows at times of that day, otherwise alike.
fn rows(times: &[&str]) -> String {
    let row = |time: &&str| format!("2018-05-16T{time}-04:00,40.76232,-73.96009,40.74710,-73.97732,,,,\n");
    times.iter().map(row).collect::<Vec<_>>().concat()
}

fn times(file: &RequestFile) -> Vec<i64> {
    file.requests.iter().map(|request| request.at.0 - MIDNIGHT).collect()
}

#[track_caller]
fn assert_fault(result: Result<RequestFile, DemandError>, message: &str) {
    let fault = result.expect_err("the file is at fault");
    assert_eq!(format!("error[{}]: {fault}\nhint: {}", fault.code(), fault.hint()), message);
}

#[test]
fn a_row_becomes_a_request() {
    let file =
        parse("2018-05-16T00:00:07-04:00,40.76232,-73.96009,40.7471,-73.9773299,2,600,3701,7.5\n").expect("a file");
    assert_eq!(
        file.requests,
        [Request {
            at: Millis(MIDNIGHT + 7000),
            pickup: Coord { lat: 407_623_200, lon: -739_600_900 },
            dropoff: Coord { lat: 407_471_000, lon: -739_773_299 },
            seats: 2
        }]
    );
    assert!(file.quarantined.is_empty());
}

#[test]
fn only_rows_of_the_period_enter() {
    let day_before = "2018-05-15T23:59:59.999-04:00,1,2,3,4,,,,\n";
    let next_day = "2018-05-17T00:00:00-04:00,1,2,3,4,,,,\n";
    let file = parse(&format!("{day_before}{}{next_day}", rows(&["00:00:00", "23:59:59.999"]))).expect("a file");
    assert_eq!(times(&file), [0, 86_399_999]);
}

#[test]
fn rows_of_one_second_are_spread_over_it() {
    let spread = |written: &[&str]| times(&parse(&rows(written)).expect("a file"));
    assert_eq!(spread(&["00:00:01", "00:00:01", "00:00:01", "00:00:02"]), [1000, 1333, 1666, 2000]);
    assert_eq!(spread(&["00:00:01", "00:00:01"]), [1000, 1500]);
    // Until the next request, if that is sooner.
    assert_eq!(spread(&["00:00:01", "00:00:01", "00:00:01.300"]), [1000, 1150, 1300]);
    // Times with a fraction are meant as they are.
    assert_eq!(spread(&["00:00:01.5", "00:00:01.5", "00:00:02.0", "00:00:02.0"]), [1500, 1500, 2000, 2000]);
    assert_eq!(spread(&["00:00:01.1234567"]), [1123]);
}

#[test]
fn columns_are_found_by_name() {
    let text = "\u{FEFF}dropoff_lon, dropoff_lat ,passengers,note,pickup_lon,pickup_lat,request_time\r\n\
                4,3,\"5\",\"a, b\",2,1,2018-05-16T00:00:00-04:00\r\n\r\n";
    let file = RequestFile::parse(Path::new("x.csv"), text.as_bytes(), DAY).expect("a file");
    let coord = |lat, lon| Coord { lat: lat * 10_000_000, lon: lon * 10_000_000 };
    assert_eq!(file.requests, [Request { at: DAY.start, pickup: coord(1, 2), dropoff: coord(3, 4), seats: 5 }]);
}

#[test]
fn malformed_rows_are_put_aside_and_the_rest_goes_on() {
    let good = "2018-05-16T00:00:00-04:00,1,2,3,4,,,,\n";
    let text = format!(
        "{good}2018-05-16T00:00:01,1,2,3,4,,,,\n2018-05-16T00:00:01-04:00,91,2,3,4,,,,\n2018-05-16T00:00:01-04:00,1,2,3,x,,,,\n\
         2018-05-16T00:00:01-04:00,1,2,3,4,0,,,\n2018-05-16T00:00:01-04:00,1,2\n\n\u{FFFD}\"\n{good}"
    );
    let file = parse(&text).expect("a file");
    assert_eq!(file.requests.len(), 2);
    let listed: Vec<(u64, String)> = file.quarantined.iter().map(|row| (row.line, row.fault.to_string())).collect();
    assert_eq!(
        listed,
        [
            (3, "request_time `2018-05-16T00:00:01` is no time in RFC 3339 with offset".to_owned()),
            (4, "pickup_lat `91` is no number of degrees within ±90".to_owned()),
            (5, "dropoff_lon `x` is no number of degrees within ±180".to_owned()),
            (6, "passengers `0` is no whole number from 1 to 255".to_owned()),
            (7, "it has 3 fields, the first line 9".to_owned()),
            (9, "it has 1 fields, the first line 9".to_owned()),
        ]
    );
    assert_eq!(file.quarantined[4].text, b"2018-05-16T00:00:01-04:00,1,2");
    assert_eq!(file.quarantined[5].fault, RowFault::Fields { found: 1, expected: 9 });
}

#[test]
fn faults_of_a_file() {
    assert_fault(
        parse(&rows(&["00:00:02", "00:00:01"])),
        "error[E0303]: requests.csv:3: the request is of 2018-05-16T00:00:01-04:00, before that of line 2, 2018-05-16T00:00:02-04:00\n\
         hint: sort the rows by request_time",
    );
    assert_fault(
        RequestFile::parse(Path::new("x.csv"), "request_time,pickup_lat,lon\n".as_bytes(), DAY),
        "error[E0302]: x.csv:1: there is no column `pickup_lon`, `dropoff_lat`, `dropoff_lon`\n\
         hint: the first line names request_time, pickup_lat, pickup_lon, dropoff_lat, dropoff_lon and perhaps passengers",
    );
    assert_fault(
        parse("2018-05-16T00:00:01,1,2,3,4,,,,\n2018-05-16T00:00:02,1,2,3,4,,,,\n"),
        "error[E0304]: none of the 2 rows of requests.csv is a request; line 2: request_time `2018-05-16T00:00:01` is no time in RFC 3339 with offset\n\
         hint: a row is a time in RFC 3339 with offset, four coordinates in decimal degrees and perhaps a number of passengers",
    );
    assert_fault(
        parse("2017-05-16T00:00:01-04:00,1,2,3,4,,,,\n2017-05-17T00:00:01-04:00,1,2,3,4,,,,\n"),
        "error[E0305]: no request of requests.csv is of the period from 2018-05-16T04:00:00.000+00:00 until before 2018-05-17T04:00:00.000+00:00; they are of 2017-05-16T00:00:01-04:00 to 2017-05-17T00:00:01-04:00\n\
         hint: set `period.start` and `period.end` to a part of the file",
    );
    assert_eq!(parse("").expect("an empty file is one"), RequestFile::default());
    let fault = RequestFile::read(Path::new("none.csv"), DAY).expect_err("there is no such file");
    assert!(fault.to_string().starts_with("none.csv cannot be read: No such file"), "{fault}");
}

#[test]
fn compressed_files_read_alike_and_damaged_ones_do_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!("{HEADER}{}", rows(&["00:00:01", "00:00:01", "00:00:02"]));
    let (plain, packed) = (folder.path().join("r.csv"), folder.path().join("r.csv.xz"));
    std::fs::write(&plain, &text).expect("a file");
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    encoder.write_all(text.as_bytes()).expect("memory");
    let bytes = encoder.finish().expect("memory");
    std::fs::write(&packed, &bytes).expect("a file");
    assert_eq!(RequestFile::read(&packed, DAY).expect("a file"), RequestFile::read(&plain, DAY).expect("a file"));
    std::fs::write(&packed, &bytes[..bytes.len() - 20]).expect("a file");
    assert!(matches!(RequestFile::read(&packed, DAY), Err(DemandError::Unreadable { .. })));
}

proptest! {
    /// In order, within their second, and as many as there were.
    #[test]
    fn spreading_keeps_order(mut seconds in prop::collection::vec(0i64..30, 1..100)) {
        seconds.sort_unstable();
        let written: Vec<String> = seconds.iter().map(|s| format!("00:00:{s:02}")).collect();
        let spread = times(&parse(&rows(&written.iter().map(String::as_str).collect::<Vec<_>>())).expect("a file"));
        prop_assert_eq!(spread.iter().map(|at| at / 1000).collect::<Vec<_>>(), seconds);
        prop_assert!(spread.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    /// Any bytes are a file or a fault.
    #[test]
    fn no_text_panics(text in "[-0-9TZ:.,+\"\n ]{0,300}") {
        let _ = parse(&text);
    }
}

/// A model on the small town.
fn model(changes: &[&str]) -> Scenario {
    let text = "period = { start = \"2026-03-05T17:00:00+01:00\", end = \"2026-03-05T21:00:00+01:00\" }\n\
                network = { synthetic = \"small-town\" }\nsupply = { vehicles = 3 }\n\
                demand = { rate_per_h = [900, 0, 2800, 1500], seats = 2 }\n";
    let changes: Vec<Override> = changes.iter().map(|c| Override::parse(c).expect("a change")).collect();
    Scenario::parse("town.toml", text, Path::new("/"), &changes).unwrap_or_else(|faults| panic!("{faults}"))
}

fn town() -> Network {
    synthetic::city("small-town", synthetic::DEFAULT_SEED).expect("a city")
}

fn drawn(scenario: &Scenario) -> Vec<Request> {
    demand::requests(scenario, &town()).expect("demand").requests
}

#[test]
fn a_model_has_its_rates() {
    let scenario = model(&[]);
    let requests = drawn(&scenario);
    let mut hours = [0i64; 4];
    for request in &requests {
        hours[((request.at - scenario.period.start).0 / 3_600_000) as usize] += 1;
    }
    // Four standard deviations of a Poisson count.
    for (count, rate) in hours.iter().zip([900i64, 0, 2800, 1500]) {
        assert!((count - rate).pow(2) <= 16 * rate, "{hours:?}");
    }
    assert!(requests.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert!(requests.iter().all(|request| request.seats == 2));
    // Gaps of a Poisson process vary as much as they are long.
    let gaps: Vec<f64> = requests.windows(2).take(800).map(|pair| (pair[1].at - pair[0].at).0 as f64).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / gaps.len() as f64;
    assert!((0.8..1.25).contains(&(variance / (mean * mean))), "{variance} {mean}");
}

#[test]
fn the_same_seed_draws_the_same_and_another_does_not() {
    assert_eq!(drawn(&model(&[])), drawn(&model(&[])));
    assert_ne!(drawn(&model(&["seed=2"])), drawn(&model(&[])));
    // At twice the rate the n-th request is the same trip, at another time.
    let places = |rate| drawn(&model(&[rate])).iter().map(|r| (r.pickup, r.dropoff)).take(1000).collect::<Vec<_>>();
    assert_eq!(places("demand.rate_per_h=1000"), places("demand.rate_per_h=2000"));
}

#[test]
fn zones_are_drawn_by_weight_and_kept_to() {
    let zones = "demand.zones=[{name = \"west\", lat = 48, lon = 10.992, radius_m = 300}, {name = \"east\", lat = 48, lon = 11.008, radius_m = 300, weight = 3}]";
    let requests =
        drawn(&model(&["demand.rate_per_h=2000", zones, "demand.from=[\"west\", \"east\"]", "demand.to=west"]));
    let middle = 110_000_000;
    let east = requests.iter().filter(|request| request.pickup.lon > middle).count() as f64 / requests.len() as f64;
    assert!((0.73..0.77).contains(&east), "{east}");
    assert!(requests.iter().all(|request| request.dropoff.lon < middle));
    let map = town().projection();
    let west = map.point(Coord { lat: 480_000_000, lon: 109_920_000 });
    // A coordinate is within 11 mm of its point of the map.
    assert!(requests.iter().all(|request| map.point(request.dropoff).distance_mm(west) <= 300_020));
    let scenario = model(&["demand.zones=[{name = \"sea\", lat = 50, lon = 11, radius_m = 300}]", "demand.from=sea"]);
    assert_fault(
        demand::requests(&scenario, &town()),
        "error[E0306]: zone `sea` has no street within 300 m of 50, 11\nhint: move the zone onto the network, or enlarge its `radius_m`",
    );
}

#[test]
fn places_are_uniform_by_street_length() {
    let network = town();
    let places = Places::everywhere(&network);
    // The share of draws on each tenth of the streets is its share of the length.
    let stream = Stream::new(1, Purpose::StartPlace);
    let mut drawn = vec![0u64; network.edge_count()];
    for id in 0..200_000 {
        drawn[places.pick(stream.draw(id, 0)).expect("streets").edge.0 as usize] += 1;
    }
    let (mut share, mut expected) = ([0.0f64; 10], [0.0f64; 10]);
    for (edge, count) in drawn.iter().enumerate() {
        let id = hansom_geo_index::EdgeId(edge as u32);
        let tenth = edge * 10 / drawn.len();
        share[tenth] += *count as f64 / 200_000.0;
        if network.twin(id).is_none_or(|twin| twin > id) {
            expected[tenth] += f64::from(network.length_mm(id)) / places.length_mm() as f64;
        } else {
            assert_eq!(*count, 0, "a street driven both ways counts once");
        }
    }
    for (share, expected) in share.iter().zip(&expected) {
        assert!((share - expected).abs() < 0.004, "{share} {expected}");
    }
    assert_eq!(Places::default().pick(stream.draw(0, 0)), None);
}
