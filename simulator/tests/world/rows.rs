//! `vehicles.csv`: a vehicle is in one place at a time, all through its shift.

use std::collections::BTreeMap;

use crate::repeat::LIVELY;
use crate::town::town;

#[test]
fn a_shift_is_covered_without_a_hole() {
    for keys in ["", LIVELY] {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let report = town(keys).out(folder.path()).run();
        let file = folder.path().join("vehicles.csv");
        let mut reader = csv::Reader::from_path(file).expect("the run wrote it");
        let mut shifts: BTreeMap<String, Vec<csv::StringRecord>> = BTreeMap::new();
        for row in reader.records() {
            let row = row.expect("a row");
            shifts.entry(row[0].to_owned()).or_default().push(row);
        }
        assert_eq!(shifts.len(), report.drivers.len());
        let mut loaded_mm: BTreeMap<usize, u64> = BTreeMap::new();
        for (vehicle, rows) in &shifts {
            assert_eq!(&rows[0][8], "2026-03-05T08:05:00.000+01:00", "{vehicle} starts with the period");
            for pair in rows.windows(2) {
                assert_eq!(pair[0][9], pair[1][8], "{vehicle}: a row starts when the last one ended");
                let (to, from) = ((&pair[0][6], &pair[0][7]), (&pair[1][4], &pair[1][5]));
                assert_eq!(to, from, "{vehicle}: a row starts where the last one ended");
            }
            for row in rows.iter().filter(|row| &row[3] == "loaded") {
                let ride: usize = row[2].parse().expect("a loaded vehicle has a ride");
                *loaded_mm.entry(ride).or_default() += row[10].replace('.', "").parse::<u64>().expect("a distance");
            }
        }
        for (trip, ride) in report.trips.iter().zip(1..) {
            assert_eq!(trip.driven_mm, loaded_mm.get(&ride).copied().unwrap_or(0), "ride {ride}");
        }
    }
}
