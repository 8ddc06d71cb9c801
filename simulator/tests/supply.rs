//! Fleets: drawn, and listed in a file with every way to get it wrong.

use std::path::Path;
use std::sync::Arc;

use hansom_geo_index::Millis;
use hansom_geo_index::import::synthetic;
use hansom_simulator::City;
use hansom_simulator::demand::Request;
use hansom_simulator::scenario::{Override, Scenario};
use hansom_simulator::supply::{Driver, SupplyError, drivers};

fn city() -> City {
    City::new(Arc::new(synthetic::city("small-town", 1).expect("it is there")))
}

fn scenario(changes: &[&str]) -> Scenario {
    let text = "period = { start = \"2026-03-05T08:00:00Z\", end = \"2026-03-05T09:00:00Z\" }\n\
                network = { synthetic = \"small-town\" }\nsupply = { vehicles = 40, seats = 3 }\ndemand = { rate_per_h = 9 }\n";
    let changes: Vec<Override> =
        changes.iter().map(|change| Override::parse(change).unwrap_or_else(|fault| panic!("{fault}"))).collect();
    Scenario::parse("fleet.toml", text, Path::new("/"), &changes).unwrap_or_else(|faults| panic!("{faults}"))
}

/// What comes of a fleet file with these rows.
fn listed(rows: &str, changes: &[&str]) -> Result<Vec<Driver>, SupplyError> {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let file = folder.path().join("fleet.csv");
    std::fs::write(&file, rows).expect("a temporary file");
    let change = format!("supply.file={}", file.display());
    let changes: Vec<&str> = [change.as_str()].into_iter().chain(changes.iter().copied()).collect();
    drivers(&scenario(&changes), &city(), &[])
}

#[test]
fn a_file_says_who_drives_where_and_when() {
    let rows = "lat,vehicle_id,lon,autonomous,start,end,seats,colour\n\
                48.0,cab 7,11.0,true,2026-03-05T08:30:00Z,2026-03-05T12:00:00Z,6,red\n\
                48.001,cab 8,11.001,,2026-03-05T07:00:00Z,,,\n";
    let fleet = listed(rows, &[]).expect("a sound file");
    let start = Millis(1_772_697_600_000);
    assert_eq!((&*fleet[0].vehicle, fleet[0].seats, fleet[0].autonomous), ("cab 7", 6, true));
    assert_eq!((fleet[0].start, fleet[0].end), (start + Millis(1_800_000), Some(start + Millis(4 * 3_600_000))));
    assert_eq!((fleet[1].seats, fleet[1].autonomous), (3, false), "what is left out is as in the scenario");
    assert_eq!((fleet[1].start, fleet[1].end), (start, None), "a shift begins with the period at the earliest");
    assert_eq!(listed(rows, &["supply.vehicles=1"]).expect("a sound file").len(), 1, "its first rows only");
}

#[test]
fn a_fault_names_its_line() {
    let head = "vehicle_id,lat,lon,start,end,seats,autonomous\n";
    let cases = [
        ("vehicle_id,lat\n", "1: there is no column `lon`"),
        ("a,48.0,east,,,,\n", "2: lon `east` is no number of degrees"),
        (",48.0,11.0,,,,\n", "2: vehicle_id `` is no name without commas and quotes"),
        ("a,48.0,11.0,noon,,,\n", "2: start `noon` is no time in RFC 3339 with offset"),
        ("a,48.0,11.0,,,0,\n", "2: seats `0` is no whole number from 1 to 255"),
        ("a,48.0,11.0,,,,perhaps\n", "2: autonomous `perhaps` is no true or false"),
        ("a,48.0,11.0,,,,\na,48.0,11.0,,,,\n", "3: vehicle `a` is also in line 2"),
        (
            "a,48.0,11.0,2026-03-05T09:00:00Z,2026-03-05T08:00:00Z,,\n",
            "2: the shift of vehicle `a` ends at 2026-03-05T08:00:00Z, not after its start at 2026-03-05T09:00:00Z",
        ),
        ("a,49.0,11.0,,,,\n", "2: vehicle `a` is on no street: the nearest street is"),
    ];
    for (rows, expected) in cases {
        let text = if rows.starts_with("vehicle_id") { rows.to_owned() } else { format!("{head}{rows}") };
        let error = listed(&text, &[]).expect_err(expected).to_string();
        assert!(error.contains(&format!("fleet.csv:{expected}")), "{error}");
    }
}

#[test]
fn somebody_is_on_shift() {
    let head = "vehicle_id,lat,lon,start,end\n";
    let over = "a,48.0,11.0,2026-03-05T06:00:00Z,2026-03-05T08:00:00Z\n";
    let late = "b,48.0,11.0,2026-03-05T09:00:00Z,\n";
    let there = "c,48.0,11.0,2026-03-05T06:00:00Z,2026-03-05T08:00:01Z\n";
    for (rows, count) in [(String::new(), 0), (format!("{over}{late}"), 2)] {
        let error = listed(&format!("{head}{rows}"), &[]).expect_err("nobody").to_string();
        let of = [format!("none of the {count} vehicles of "), " is on shift within the period from ".to_owned()];
        assert!(of.iter().all(|part| error.contains(part)), "{error}");
    }
    assert_eq!(listed(&format!("{head}{over}{late}{there}"), &[]).expect("one is there").len(), 3);
}

#[test]
fn a_drawn_vehicle_stands_where_somebody_will_ask() {
    let city = city();
    let place = hansom_geo_index::Position { edge: hansom_geo_index::EdgeId(17), along: 1000 };
    let far = hansom_geo_index::Coord { lat: 0, lon: 0 };
    let near = city.network.coord(place);
    let request = |pickup| Request { at: Millis(0), pickup, dropoff: far, seats: 1 };
    let fleet = drivers(&scenario(&[]), &city, &[request(far), request(near)]).expect("nothing is read");
    assert_eq!(fleet.len(), 40);
    for driver in &fleet {
        // Pickups on no street are drawn again.
        assert!(city.network.point(driver.place).distance_mm(city.network.point(place)) < 100);
    }
    let nowhere = drivers(&scenario(&[]), &city, &[request(far)]).expect("nothing is read");
    assert!(nowhere.iter().any(|driver| driver.place != nowhere[0].place), "anywhere, if there is no street at all");
}
