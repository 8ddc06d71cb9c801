//! The scenarios that come with Hansom.

use std::path::Path;

use hansom_simulator::demand;
use hansom_simulator::scenario::{Fleet, Scenario};

/// Name, requests at the scenario's own seed, vehicles.
const SCENARIOS: [(&str, usize, u32); 3] =
    [("evening-peak", 7497, 420), ("quiet-night", 332, 24), ("small-town", 382, 40)];

#[test]
fn each_says_what_it_shows_and_has_its_demand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .expect("the folder of scenarios")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    files.sort();
    assert_eq!(files, SCENARIOS.map(|(name, _, _)| name));
    for (name, requests, vehicles) in SCENARIOS {
        let path = folder.join(format!("{name}.toml"));
        let text = std::fs::read_to_string(&path).expect("a scenario");
        assert!(text.starts_with("# ") && text.lines().next().is_some_and(|line| line.contains(" Shows: ")), "{name}");
        let scenario = Scenario::load(&path, &[]).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(scenario.name, name);
        assert!(matches!(scenario.supply.fleet, Fleet::Drawn { vehicles: n, .. } if n == vehicles));
        let (network, _) = scenario.network.load().expect("streets");
        assert_eq!(demand::requests(&scenario, &network).expect("demand").requests.len(), requests, "{name}");
    }
}
