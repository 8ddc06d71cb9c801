//! Scenarios as people write them, and every fault as they see it.

use std::path::{Path, PathBuf};

use hansom_geo_index::{Coord, Millimetres, Millis, WeightsVersion};
use hansom_simulator::scenario::{
    Arm, Demand, Dist, Faults, Fleet, Idle, Override, Place, PolicyKind, Scenario, StreetSource, Timezone, seeds, sweep,
};
use proptest::prelude::*;

const PEAK: &str = "\
# Evening peak in a river town.
seed = 7
period = { start = \"2026-03-05T17:00:00+01:00\", end = \"2026-03-05T21:00:00+01:00\" }
network = { synthetic = \"river-town\" }
demand = { rate_per_h = [900, 2400, 2800, 1500], from = \"offices\", to = \"homes\", zones = [
    { name = \"offices\", lat = 48.1, lon = 11.5, radius_m = 800 },
    { name = \"homes\", lat = 48.12, lon = 11.55, radius_m = 2000, weight = 2 },
] }
rider = { patience_s = { p50 = 240, p90 = 480 } }
supply = { vehicles = 420, seats = 4 }
policy = { kind = \"batch\", batch_window_s = 10, max_wait_s = 480 }
";

fn read(text: &str, changes: &[&str]) -> Result<Scenario, Faults> {
    let changes: Vec<Override> = changes.iter().map(|c| Override::parse(c).expect("a well-formed change")).collect();
    Scenario::parse("scenarios/evening-peak.toml", text, Path::new("/city"), &changes)
}

fn good(text: &str, changes: &[&str]) -> Scenario {
    read(text, changes).unwrap_or_else(|faults| panic!("{faults}"))
}

/// All that is wrong, as printed.
fn wrong(text: &str, changes: &[&str]) -> String {
    read(text, changes).expect_err("the text is at fault").to_string()
}

/// `PEAK` with one line instead of that which starts alike.
fn peak_with(line: &str) -> String {
    let key = line.split('=').next().expect("a key");
    let mut lines: Vec<&str> = PEAK.lines().filter(|old| !old.starts_with(key)).collect();
    lines.push(line);
    lines.join("\n")
}

#[test]
fn the_example_reads() {
    let s = good(PEAK, &[]);
    assert_eq!((s.name.as_str(), s.seed, s.timezone.name()), ("evening-peak", 7, "+01:00"));
    assert_eq!((s.period.start, s.period.end), (Millis(1_772_726_400_000), Millis(1_772_740_800_000)));
    assert_eq!(s.network.source, StreetSource::Synthetic("river-town".to_owned()));
    assert_eq!(s.supply.fleet, Fleet::Drawn { vehicles: 420, place: Place::Demand });
    assert_eq!(s.rider.patience, Dist::LogNormal { p50: Millis(240_000), p90: Millis(480_000) });
    assert_eq!((s.policy.kind, s.policy.batch_window), (PolicyKind::Batch, Millis(10_000)));
    let Demand::Model(model) = s.demand else { panic!("a model") };
    assert_eq!(model.rate_per_h, [900.0, 2400.0, 2800.0, 1500.0]);
    assert_eq!(model.zones[1].center, Coord { lat: 481_200_000, lon: 115_500_000 });
    assert_eq!((model.zones[0].weight, model.zones[1].weight), (1.0, 2.0));
}

#[test]
fn defaults_are_those_of_the_contract() {
    let s = good(PEAK, &[]);
    let bare = Scenario::default();
    assert_eq!((s.driver, s.silence, &s.traffic), (bare.driver, bare.silence, &bare.traffic));
    assert_eq!((bare.seed, bare.max_offers, bare.offer), (1, 5, Millis(15_000)));
    assert_eq!((bare.silence.warn, bare.silence.redispatch), (Millis(60_000), Millis(120_000)));
    assert_eq!((bare.boarding, bare.alighting, bare.no_show_wait), (Millis(30_000), Millis(20_000), Millis(300_000)));
    assert_eq!((bare.snap, bare.teleport_speed, bare.teleport), (mm(300), mm(60), mm(500)));
    assert_eq!((bare.reanchor.along, bare.reanchor.across), (mm(50), mm(30)));
    assert_eq!((bare.pings.interval, bare.pings.noise, bare.network.speed), (Millis(15_000), mm(5), mm(8)));
    assert!(bare.traffic.hidden && !bare.supply.autonomous);
    assert_eq!((bare.supply.seats, bare.supply.idle), (4, Idle::Stand));
    let policy = bare.policy;
    assert_eq!((policy.kind, policy.batch_window, policy.candidates), (PolicyKind::Batch, Millis(5_000), 30));
    assert_eq!((policy.max_wait, policy.chain_horizon), (Millis(600_000), Millis(240_000)));
    assert_eq!((policy.unserved.base, policy.unserved.slope_per_s, policy.weights.eta), (1_800_000, 10_000, 1000));
}

fn mm(metres: i64) -> Millimetres {
    Millimetres(metres * 1000)
}

#[test]
fn a_misspelt_key_names_its_place_and_the_nearest_key() {
    let text = "seed = 7\n\n# x\n# y\n# z\npolicy = { kind = \"batch\", batch_windw_s = 10 }\n";
    let text = text.to_owned()
        + &PEAK
            .lines()
            .filter(|l| !l.starts_with("seed") && !l.starts_with("policy"))
            .fold(String::new(), |t, l| t + l + "\n");
    assert_eq!(
        wrong(&text, &[]),
        "error[E0203]: unknown key `policy.batch_windw_s` at scenarios/evening-peak.toml:6:28; did you mean `batch_window_s`?\n\
         hint: `hansom scenario check scenarios/evening-peak.toml` lists every fault at once"
    );
}

#[test]
fn unknown_keys_of_every_depth() {
    let cases = [
        ("polcy = 3", "unknown key `polcy` at scenarios/evening-peak.toml:12:1; did you mean `policy`?"),
        (
            "batch_window_s = 3",
            "unknown key `batch_window_s` at scenarios/evening-peak.toml:12:1; did you mean `policy.batch_window_s`?",
        ),
        ("wombat = 3", "unknown key `wombat` at scenarios/evening-peak.toml:12:1"),
        (
            "driver = { reaction_s = { p50 = 4, p95 = 9 } }",
            "unknown key `driver.reaction_s.p95` at scenarios/evening-peak.toml:12:36; did you mean `p90`?",
        ),
        (
            "traffic = { incidents = [{ at = \"2026-03-05T17:30:00+01:00\", duration_s = 60, lat = 1, lon = 2, radius_m = 3, faktor = 2, factor = 2 }] }",
            "unknown key `traffic.incidents[0].faktor` at scenarios/evening-peak.toml:12:111; did you mean `factor`?",
        ),
    ];
    for (line, message) in cases {
        let faults = wrong(&peak_with(line), &[]);
        assert_eq!(faults.lines().next().expect("a line"), format!("error[E0203]: {message}"));
    }
}

#[test]
fn wrong_types_and_ranges_name_value_and_remedy() {
    let cases = [
        (
            "policy = { candidates = \"many\" }",
            "error[E0205]: `policy.candidates` at scenarios/evening-peak.toml:11:12 is \"many\", a text; it must be a whole number from 1 to 100000\n\
             hint: write a whole number from 1 to 100000, or leave it out: the default is 30",
        ),
        (
            "driver = { acceptance = 1.4 }",
            "error[E0206]: `driver.acceptance` at scenarios/evening-peak.toml:12:12 is 1.4; allowed is a number from 0 to 1\n\
             hint: choose a number from 0 to 1, or leave it out: the default is 0.9",
        ),
        (
            "offer_s = -3",
            "error[E0206]: `offer_s` at scenarios/evening-peak.toml:12:1 is -3; allowed is a number of seconds from 1 to 3600\n\
             hint: choose a number of seconds from 1 to 3600, or leave it out: the default is 15",
        ),
        (
            "driver = { reaction_s = inf }",
            "error[E0206]: `driver.reaction_s` at scenarios/evening-peak.toml:12:12 is inf; allowed is a number of seconds from 0 to 3600 or { p50, p90 } of such\n\
             hint: choose a number of seconds from 0 to 3600 or { p50, p90 } of such, or leave it out: the default is { p50 = 4, p90 = 9 }",
        ),
        (
            "rider = { patience_s = { p50 = 240, p90 = 200 } }",
            "error[E0206]: `rider.patience_s` at scenarios/evening-peak.toml:11:11 is { p50 = 240, p90 = 200 }; allowed is a p50 above 0 and a p90 not below it\n\
             hint: choose a p50 above 0 and a p90 not below it, or leave it out: the default is 300",
        ),
        (
            "traffic = { hidden = \"no\" }",
            "error[E0205]: `traffic.hidden` at scenarios/evening-peak.toml:12:13 is \"no\", a text; it must be true or false\n\
             hint: write true or false, or leave it out: the default is true",
        ),
        (
            "policy = 3",
            "error[E0205]: `policy` at scenarios/evening-peak.toml:11:1 is 3, a whole number; it must be a table\n\
             hint: write a table",
        ),
        (
            "policy = { kind = \"bach\" }",
            "error[E0209]: unknown value \"bach\" for `policy.kind` at scenarios/evening-peak.toml:11:12; did you mean `batch`?\n\
             hint: write \"nearest\" or \"batch\" or \"external\"",
        ),
        (
            "network = { synthetic = \"river-twn\" }",
            "error[E0209]: unknown city \"river-twn\" for `network.synthetic` at scenarios/evening-peak.toml:11:13; did you mean `river-town`?\n\
             hint: the cities are river-town, small-town",
        ),
        (
            "timezone = \"Europe/Berlim\"",
            "error[E0209]: unknown time zone \"Europe/Berlim\" for `timezone` at scenarios/evening-peak.toml:12:1; did you mean `Europe/Berlin`?\n\
             hint: write an IANA name such as \"Europe/Berlin\", or an offset such as \"+01:00\"",
        ),
        (
            "tariff = { currency = \"dollars\" }",
            "error[E0206]: `tariff.currency` at scenarios/evening-peak.toml:12:12 is \"dollars\"; allowed is an ISO 4217 code such as \"USD\"\n\
             hint: choose an ISO 4217 code such as \"USD\", or leave it out: the default is \"USD\"",
        ),
        (
            "name = \"a/b\"",
            "error[E0206]: `name` at scenarios/evening-peak.toml:12:1 is \"a/b\"; allowed is a name of letters, digits, `-`, `_` and `.`\n\
             hint: choose a name of letters, digits, `-`, `_` and `.`, or leave it out: the default is \"evening-peak\"",
        ),
    ];
    for (line, message) in cases {
        assert_eq!(wrong(&peak_with(line), &[]), message);
    }
}

#[test]
fn times_need_an_offset_and_an_order() {
    assert_eq!(
        wrong(&peak_with("period = { start = \"2026-03-05T17:00:00\", end = \"2026-03-05T21:00:00+01:00\" }"), &[]),
        "error[E0206]: `period.start` at scenarios/evening-peak.toml:11:12 is \"2026-03-05T17:00:00\"; allowed is a time between 1970 and 2199 in RFC 3339 with offset, such as \"2026-03-05T17:00:00+01:00\"\n\
         hint: choose a time between 1970 and 2199 in RFC 3339 with offset, such as \"2026-03-05T17:00:00+01:00\""
    );
    assert_eq!(
        wrong(PEAK, &["period.end=2026-03-05T16:00:00+01:00"]),
        "error[E0210]: `period.end` in `--set period.end=2026-03-05T16:00:00+01:00` is 2026-03-05T16:00:00.000+01:00, not after `period.start` 2026-03-05T17:00:00.000+01:00\n\
         hint: set `period.end` to a time after `period.start`"
    );
    assert_eq!(
        wrong(
            &peak_with(
                "supply = { vehicles = 3, shift_start = \"2026-03-05T18:00:00+01:00\", shift_end = \"2026-03-05T17:30:00+01:00\" }"
            ),
            &[]
        ),
        "error[E0210]: `supply.shift_end` at scenarios/evening-peak.toml:11:69 is 2026-03-05T17:30:00.000+01:00, not after `supply.shift_start` 2026-03-05T18:00:00.000+01:00\n\
         hint: set `supply.shift_end` to a time after `supply.shift_start`"
    );
    assert_eq!(
        wrong(PEAK, &["period.end=2026-06-05T16:00:00+01:00"]).lines().next().expect("a line"),
        "error[E0211]: `period.end` in `--set period.end=2026-06-05T16:00:00+01:00` is 2026-06-05T16:00:00.000+01:00, but a period lasts 31 days at most"
    );
}

#[test]
fn keys_that_do_not_go_together() {
    let cases = [
        (
            vec!["silence.warn_s=50"],
            "error[E0211]: `silence.warn_s` in `--set silence.warn_s=50` is 50 s, but four ping intervals are 60 s\n\
             hint: raise `silence.warn_s`, or leave it out: it follows `pings.interval_s`",
        ),
        (
            vec!["silence.redispatch_s=50"],
            "error[E0211]: `silence.redispatch_s` in `--set silence.redispatch_s=50` is 50 s, but the warning comes after 60 s\n\
             hint: raise `silence.redispatch_s`, or leave it out: it is twice `silence.warn_s`",
        ),
        (
            vec!["keep.drivers_s=3600"],
            "error[E0211]: `keep.drivers_s` in `--set keep.drivers_s=3600` is 3600 s, but orders are remembered for 86400 s\n\
             hint: raise `keep.drivers_s`, or lower `keep.keys_s`",
        ),
        (
            vec!["demand.rate_per_h=[3, 4]"],
            "error[E0211]: `demand.rate_per_h` in `--set demand.rate_per_h=[3, 4]` is a list of 2, but the period has 4 hours\n\
             hint: give a rate for each hour from the period's start, or a single number for all",
        ),
        (
            vec!["demand.to=hones"],
            "error[E0209]: unknown zone \"hones\" for `demand.to` in `--set demand.to=hones`; did you mean `homes`?\n\
             hint: the zones are homes, offices",
        ),
    ];
    for (changes, message) in cases {
        assert_eq!(wrong(PEAK, &changes), message);
    }
    assert_eq!(
        wrong(&peak_with("network = { synthetic = \"river-town\", csv = \"streets\" }"), &[]),
        "error[E0208]: `network.csv` at scenarios/evening-peak.toml:11:39 and `network.synthetic` at scenarios/evening-peak.toml:11:13 exclude each other\n\
         hint: remove `network.synthetic` or `network.csv`"
    );
}

#[test]
fn all_faults_come_at_once_in_order_of_place() {
    let text = "seed = \"x\"\npolicy = { kindd = 3 }\ndriver = { cancel = 2 }\nsupply.seats = 0\n";
    assert_eq!(
        wrong(text, &[]).lines().filter(|line| line.starts_with("error")).collect::<Vec<_>>(),
        [
            "error[E0205]: `seed` at scenarios/evening-peak.toml:1:1 is \"x\", a text; it must be a whole number, 0 or more",
            "error[E0203]: unknown key `policy.kindd` at scenarios/evening-peak.toml:2:12; did you mean `kind`?",
            "error[E0206]: `driver.cancel` at scenarios/evening-peak.toml:3:12 is 2; allowed is a number from 0 to 1",
            "error[E0206]: `supply.seats` at scenarios/evening-peak.toml:4:8 is 0; allowed is a whole number from 1 to 255",
            "error[E0207]: `period.start` is missing in scenarios/evening-peak.toml",
            "error[E0207]: `period.end` is missing in scenarios/evening-peak.toml",
            "error[E0207]: `network` is missing in scenarios/evening-peak.toml",
            "error[E0207]: `demand` is missing in scenarios/evening-peak.toml",
            "error[E0207]: `supply.vehicles` is missing in scenarios/evening-peak.toml",
        ]
    );
}

#[test]
fn broken_toml_and_keys_given_twice() {
    assert_eq!(
        wrong(&format!("{PEAK}seed = 8\n"), &[]),
        "error[E0204]: key `seed` is given twice, the second time at scenarios/evening-peak.toml:12:1\nhint: remove one of the two"
    );
    assert_eq!(
        wrong(&format!("{PEAK}offer_s = = 8\n"), &[]).lines().next().expect("a line"),
        "error[E0202]: not TOML: extra `=`, expected nothing at scenarios/evening-peak.toml:12:11"
    );
}

#[test]
fn a_file_that_cannot_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let fault = Scenario::load(&folder.path().join("none.toml"), &[]).expect_err("there is no such file");
    assert!(fault.to_string().starts_with("error[E0201]: "), "{fault}");
    assert!(fault.to_string().contains("none.toml cannot be read: No such file"), "{fault}");
}

#[test]
fn set_overrides_any_key_and_drops_the_other_forms() {
    let s = good(
        PEAK,
        &[
            "policy.kind=nearest",
            "seed=9",
            "rider.patience_s=inf",
            "rider.patience_s.p50=100",
            "rider.patience_s.p90=100.5",
        ],
    );
    assert_eq!((s.policy.kind, s.seed), (PolicyKind::Nearest, 9));
    assert_eq!(s.rider.patience, Dist::LogNormal { p50: Millis(100_000), p90: Millis(100_500) });
    assert_eq!(good(PEAK, &["rider.patience_s=inf"]).rider.patience, Dist::Constant(Millis::MAX));
    let s = good(PEAK, &["network.csv=/streets", "demand.file=/requests.csv", "supply.file=/fleet.csv"]);
    assert_eq!(s.network.source, StreetSource::Csv(PathBuf::from("/streets")));
    assert_eq!(s.demand, Demand::File(PathBuf::from("/requests.csv")));
    assert_eq!(s.supply.fleet, Fleet::Listed { file: PathBuf::from("/fleet.csv"), vehicles: Some(420) });
    let s = good(PEAK, &["demand.file=/requests.csv", "demand.rate_per_h=60"]);
    assert!(matches!(s.demand, Demand::Model(model) if model.rate_per_h == [60.0] && model.zones.is_empty()));
    assert_eq!(
        wrong(PEAK, &["policy.kinds=nearest"]).lines().next().expect("a line"),
        "error[E0203]: unknown key `policy.kinds` in `--set policy.kinds=nearest`; did you mean `kind`?"
    );
    for argument in ["policy.kind", "=3", "policy..kind=3"] {
        let faults = Override::parse(argument).expect_err("no change");
        assert_eq!(
            faults.to_string(),
            format!(
                "error[E0212]: `{argument}` is not a key and a value\nhint: for example `--set policy.kind=nearest`"
            )
        );
    }
}

#[test]
fn paths_are_relative_to_the_scenario() {
    let s = good(&peak_with("network = { csv = \"streets\" }"), &[]);
    assert_eq!(s.network.source, StreetSource::Csv(PathBuf::from("/city/streets")));
    assert_eq!(s.missing_files()[0].to_string(), "`network.csv` names /city/streets, which does not exist");
    let s = good(PEAK, &["network.csv=streets"]);
    let here = std::env::current_dir().expect("a current directory");
    assert_eq!(s.network.source, StreetSource::Csv(here.join("streets")));
}

#[test]
fn streets_load_from_each_source() {
    let folder = tempfile::tempdir().expect("a folder");
    let town = hansom_geo_index::network::sample::grid(4, 3, 100_000, 12_500);
    let (csv, file) = (folder.path().join("csv"), folder.path().join("town.net"));
    std::fs::create_dir(&csv).expect("a folder");
    hansom_geo_index::import::csv::write(&town, &csv).expect("files");
    town.write(&file).expect("a file");
    let load = |key: &str, value: &str| good(PEAK, &[&format!("network.{key}={value}")]).network.load();
    let (read, report) = load("csv", &csv.display().to_string()).expect("streets");
    assert_eq!((read.edge_count(), report.is_some()), (town.edge_count(), true));
    let (opened, report) = load("file", &file.display().to_string()).expect("streets");
    assert_eq!((opened.id(), report.is_some()), (town.id(), false));
    assert_eq!(load("synthetic", "small-town").expect("streets").0.version_count(), 72);
    let codes = ["csv", "file"].map(|key| load(key, "/none").expect_err("there is nothing").code());
    assert_eq!(codes, ["E0401", "E0402"]);
}

#[test]
fn silence_follows_the_ping_interval() {
    let silence = |changes: &[&str]| good(PEAK, changes).silence;
    assert_eq!(silence(&["pings.interval_s=60"]).warn, Millis(240_000));
    assert_eq!(silence(&["pings.interval_s=60"]).redispatch, Millis(480_000));
    assert_eq!(silence(&["silence.warn_s=90"]).redispatch, Millis(180_000));
    assert_eq!(silence(&["pings.interval_s=4"]).warn, Millis(60_000));
}

#[test]
fn what_is_shown_reads_back_to_the_same() {
    let variants: [&[&str]; 6] = [
        &[],
        &["timezone=Europe/Berlin", "name=other", "reanchor_m.along=12.345"],
        &["network.csv=/streets", "demand.file=/requests \"1\".csv", "supply.file=/fleet.csv"],
        &[
            "rider.patience_s=inf",
            "rider.lateness_s=12.5",
            "pings.interval_s=60",
            "driver.dark_s.p50=1",
            "driver.dark_s.p90=2",
        ],
        &[
            "supply.shift_start=2026-03-05T18:00:00Z",
            "supply.shift_end=2026-03-05T19:00:00.250Z",
            "supply.place=uniform",
        ],
        &[
            "traffic.incidents=[{at = 2026-03-05T17:30:00+01:00, duration_s = 60, lat = -1.0000001, lon = 2, radius_m = 3, factor = 2.5}]",
        ],
    ];
    for changes in variants {
        let s = good(PEAK, changes);
        let shown = s.show();
        let again = Scenario::parse("else.toml", &shown, Path::new("/elsewhere"), &[])
            .unwrap_or_else(|e| panic!("{e}\n{shown}"));
        assert_eq!(again, s, "{shown}");
        assert_eq!(again.show(), shown);
    }
}

proptest! {
    /// Numbers of any size come back to the last bit.
    #[test]
    fn shown_numbers_read_back(
        acceptance in 0.0..=1.0f64, slowdown in 0.01..=100.0f64, window in 0i64..3_600_000, noise in 0i64..10_000_000,
        lat in -900_000_000i32..=900_000_000, weight in -1_000_000i32..=1_000_000, rate in 0.0..1e6f64,
    ) {
        let mut s = good(PEAK, &[]);
        (s.driver.acceptance, s.traffic.slowdown) = (acceptance, slowdown);
        (s.policy.batch_window, s.pings.noise, s.policy.weights.deadhead) = (Millis(window), Millimetres(noise), weight);
        if let Demand::Model(model) = &mut s.demand {
            model.zones[0].center.lat = lat;
            model.rate_per_h[1] = rate;
        }
        let shown = s.show();
        let again = Scenario::parse("else.toml", &shown, Path::new("/"), &[]);
        prop_assert_eq!(again.as_ref().ok(), Some(&s), "{}", shown);
    }

    /// Any text is a scenario or a list of faults; none stops the program.
    #[test]
    fn no_text_panics(text in "[a-z.=\\[\\]{}\"0-9# \n-]{0,200}", set in "[a-z._]{1,20}=[a-z0-9.\\[\\]{}\"-]{0,20}") {
        let changes: Vec<Override> = Override::parse(&set).into_iter().collect();
        let _ = Scenario::parse("any.toml", &text, Path::new("/"), &changes);
        let _ = Scenario::parse("any.toml", PEAK, Path::new("/"), &changes);
    }
}

#[test]
fn a_sweep_is_every_arm_on_every_seed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("peak.toml");
    std::fs::write(&path, PEAK).expect("a file");
    let arms = [
        Arm::parse(["policy.kind=nearest"]).expect("an arm"),
        Arm::parse(["policy.kind=batch offer_s=20"]).expect("an arm"),
    ];
    assert_eq!(
        (arms[0].to_string(), arms[1].to_string(), Arm::default().to_string()),
        ("policy.kind=nearest".into(), "policy.kind=batch offer_s=20".into(), "as it is".into())
    );
    let base = [Override::parse("supply.vehicles=5").expect("a change")];
    let runs = sweep(&path, &base, &arms, seeds("1..3").expect("a range")).expect("a sweep");
    let picked: Vec<_> =
        runs.iter().map(|run| (run.arm, run.scenario.seed, run.scenario.policy.kind, run.scenario.offer.0)).collect();
    let (nearest, batch) = (PolicyKind::Nearest, PolicyKind::Batch);
    assert_eq!(
        picked,
        [
            (0, 1, nearest, 15_000),
            (0, 2, nearest, 15_000),
            (0, 3, nearest, 15_000),
            (1, 1, batch, 20_000),
            (1, 2, batch, 20_000),
            (1, 3, batch, 20_000)
        ]
    );
    assert!(runs.iter().all(|run| run.scenario.supply.fleet == Fleet::Drawn { vehicles: 5, place: Place::Demand }));
    assert_eq!(seeds("4").expect("one seed"), 4..=4);
    for text in ["", "3..1", "a..b", "1..", "-1..2"] {
        assert_eq!(
            seeds(text).expect_err("no range").to_string(),
            format!("error[E0212]: `{text}` is not a range of seeds, first to last\nhint: for example `--seeds 1..30`")
        );
    }
}

/// The local hours and day types of a zone over a day, as (UTC hour from the start, day type, local hour).
fn hours(zone: &str, start: &str, hours: i64) -> Vec<(i64, u16, u16)> {
    let zone = Timezone::named(zone).expect("a zone");
    let start: Millis = Millis(start.parse::<jiff::Timestamp>().expect("a time").as_millisecond());
    zone.hours(start, start + Millis::from_secs(hours * 3600))
        .iter()
        .map(|span| ((span.from - start).0 / 3_600_000, span.version.0 / 24, span.version.0 % 24))
        .collect()
}

#[test]
fn days_of_23_24_and_25_hours() {
    // Sunday 29 March 2026 in Berlin has no hour 2.
    let spring = hours("Europe/Berlin", "2026-03-28T23:00:00Z", 23);
    assert_eq!(spring.len(), 23);
    assert_eq!(spring[..4], [(0, 2, 0), (1, 2, 1), (2, 2, 3), (3, 2, 4)]);
    assert_eq!(spring[22], (22, 2, 23));
    // Sunday 25 October 2026 has hour 2 twice: one span of two hours.
    let autumn = hours("Europe/Berlin", "2026-10-24T22:00:00Z", 25);
    assert_eq!(autumn.len(), 24);
    assert_eq!(autumn[..5], [(0, 2, 0), (1, 2, 1), (2, 2, 2), (4, 2, 3), (5, 2, 4)]);
    assert_eq!(autumn[23], (24, 2, 23));
    // Friday to Saturday, at an offset of half hours: hours start at half past by UTC.
    let india = hours("Asia/Kolkata", "2026-03-06T17:00:00Z", 3);
    assert_eq!(india, [(0, 0, 22), (0, 0, 23), (1, 1, 0), (2, 1, 1)]);
    // Lord Howe Island turns its clocks back by half an hour at 2: the hour from 1 to 2 lasts 90 minutes.
    let howe = Timezone::named("Australia/Lord_Howe").expect("a zone");
    let start = Millis("2026-04-04T13:00:00Z".parse::<jiff::Timestamp>().expect("a time").as_millisecond());
    let spans = howe.hours(start, start + Millis::from_secs(4 * 3600));
    let minutes: Vec<_> = spans.iter().map(|span| ((span.from - start).0 / 60_000, span.version.0 % 24)).collect();
    assert_eq!(minutes, [(0, 0), (60, 1), (150, 2), (210, 3)]);
}

#[test]
fn hours_cover_the_run_and_follow_the_zone() {
    let s = good(PEAK, &["timezone=Europe/Berlin"]);
    let spans = s.hours(true);
    assert_eq!(spans.first().map(|span| (span.from, span.version)), Some((s.period.start, WeightsVersion(17))));
    assert_eq!(spans.len(), 7);
    assert_eq!(spans.last().map(|span| span.version), Some(WeightsVersion(23)));
    assert_eq!(s.hours(false).iter().map(|span| span.version).collect::<Vec<_>>(), [WeightsVersion(0)]);
}

#[test]
fn stamps_are_local_with_offset() {
    let zone = |name| Timezone::named(name).expect("a zone");
    let at = Millis(1_772_726_400_123);
    assert_eq!(zone("Europe/Berlin").stamp(at), "2026-03-05T17:00:00.123+01:00");
    assert_eq!(zone("America/St_Johns").stamp(at), "2026-03-05T12:30:00.123-03:30");
    assert_eq!(zone("+00:00").stamp(at), "2026-03-05T16:00:00.123+00:00");
    assert_eq!(zone("europe/berlin").name(), "Europe/Berlin");
    assert_eq!(zone("-03:30").name(), "-03:30");
    for name in ["Europe/Nowhere", "+24:00", "+1:00", ""] {
        assert_eq!(Timezone::named(name), None, "{name}");
    }
}
