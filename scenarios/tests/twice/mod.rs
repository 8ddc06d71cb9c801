//! What a bad line to the market costs: nothing but itself. The commands of a lively hour are recorded, and given to a market
//! once more as they are, and to a third one each twice, with garbage in between.

mod garbage;
mod recorded;

use std::collections::BTreeMap;

use hansom_market::quarantine;
use serde_json::Value;

use crate::harness::Desk;
use crate::serve::Server;
use garbage::Garbage;
use recorded::{Line, play, record, stories};

/// Idle drivers only, who do not move, and no travel times that go by the hour: a ride's estimates do not hang on when the test
/// runs. Nobody is waited for so short that a slow machine would change the story.
const MARKET: &str = r#"name = "town"
network = { csv = "streets" }
offer_s = 600
silence = { warn_s = 1200, redispatch_s = 2400 }
policy = { kind = "nearest", chain_horizon_s = 0 }
"#;

/// A desk with the streets of the town, which take as long at any hour.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("market.toml", MARKET);
    let imported = desk.hansom("import synthetic small-town --out town.net --csv streets");
    assert_eq!(imported.code, 0, "{}", imported.whole());
    std::fs::remove_file(desk.path("streets/travel_times.csv")).expect("it is there");
    desk
}

/// A line that is sent, and which of the recorded or of the bad ones it is.
enum Sent {
    First(usize),
    Second(usize),
    Bad(usize),
}

/// Each recorded line, and again up to six lines later; every twentieth line is a bad one. So many of these there are.
fn doubled(lines: &[Line]) -> (Vec<Sent>, usize) {
    let mut order: Vec<(usize, Sent)> = Vec::new();
    for index in 0..lines.len() {
        order.push((2 * index, Sent::First(index)));
        order.push((2 * (index + index * 31 % 7) + 1, Sent::Second(index)));
    }
    order.sort_by_key(|(place, _)| *place);
    let (mut sent, mut bad) = (Vec::new(), 0);
    for (place, (_, line)) in order.into_iter().enumerate() {
        if place % 19 == 18 {
            sent.push(Sent::Bad(bad));
            bad += 1;
        }
        sent.push(line);
    }
    (sent, bad)
}

#[test]
fn every_line_twice_and_garbage_in_between_gives_the_same_rides_and_garbage_can_be_mended() {
    let (first, clean, mixed) = (desk(), desk(), desk());
    let server = Server::start(&first);
    let lines = record(&server);
    server.stop();
    let server = Server::start(&clean);
    let once = play(&server, lines.iter().map(|line| (line.text.as_bytes(), line.after)));
    server.stop();

    let (sent, bad) = doubled(&lines);
    let garbage: Vec<Garbage> = (0..bad).map(Garbage::new).collect();
    assert!(bad >= garbage::KINDS.len() && bad == sent.len() / 20, "{bad} of {} lines are bad", sent.len());
    let server = Server::start(&mixed);
    let answers = play(
        &server,
        sent.iter().map(|sent| match sent {
            Sent::First(index) | Sent::Second(index) => (lines[*index].text.as_bytes(), lines[*index].after),
            Sent::Bad(index) => (&*garbage[*index].bytes, 0),
        }),
    );

    // The same rides, and each line has the answer that it has alone, but for the number of its turn.
    let told = stories(&clean);
    assert_eq!(told, stories(&first));
    assert_eq!(told, stories(&mixed));
    assert!(told.len() > 40, "{} rides and drivers", told.len());
    let mut given: BTreeMap<usize, &Value> = BTreeMap::new();
    let (mut reasons, mut repeats, mut forbidden) = (Vec::new(), 0, 0);
    for (sent, answer) in sent.iter().zip(&answers) {
        match sent {
            Sent::First(index) => {
                let outcome = |answer: &Value| (answer["key"].clone(), answer["error"]["code"].clone());
                assert_eq!(outcome(answer), outcome(&once[*index]), "{}", lines[*index].text);
                given.insert(*index, answer);
            }
            // What was remembered names the first turn; what a rule forbade is not remembered, and forbidden again.
            Sent::Second(index) if turn_of(answer) == turn_of(given[index]) => {
                assert_eq!(answer["error"]["code"], given[index]["error"]["code"], "{answer}");
                repeats += 1;
            }
            Sent::Second(index) => {
                let code = &answer["error"]["code"];
                assert!(code.is_string() && *code == given[index]["error"]["code"], "{answer}, first {}", given[index]);
                forbidden += 1;
            }
            Sent::Bad(index) => {
                let Garbage { kind, .. } = &garbage[*index];
                assert_eq!(answer["error"]["code"], kind.code, "{}: {answer}", kind.what);
                reasons.push(answer["error"]["reason"].as_str().expect("a reason"));
            }
        }
    }
    let logged = mixed.hansom("log cat data/town").out.matches("\"Repeated\"").count();
    assert_eq!((logged, repeats + forbidden), (repeats, lines.len()));
    assert!(repeats > 200 && forbidden > 10, "{repeats} repeats, {forbidden} forbidden twice");

    in_quarantine(&mixed, &garbage, &reasons);
    mended(&mixed, &server, &garbage);
    server.stop();
    assert_eq!(mixed.hansom("replay data/town --verify").code, 0);
}

/// The turn that an answer tells of.
fn turn_of(answer: &Value) -> Option<u64> {
    answer["offset"].as_u64().or(answer["error"]["offset"].as_u64())
}

/// Each bad line is in quarantine once, as it came, with the reason that its sender was told.
fn in_quarantine(desk: &Desk, garbage: &[Garbage], reasons: &[&str]) {
    let kept = quarantine::list(&desk.path("data/town/quarantine")).expect("it can be read").entries;
    assert_eq!(kept.len(), garbage.len());
    let listed: Value =
        serde_json::from_str(&desk.hansom("quarantine ls --data data --format json").out).expect("JSON");
    for (index, (entry, garbage)) in kept.iter().zip(garbage).enumerate() {
        let Garbage { kind, bytes, .. } = garbage;
        assert!(*entry.bytes == **bytes && entry.is_whole(), "{}: {entry:?}", kind.what);
        assert_eq!((&*entry.reason, &*entry.source), (reasons[index], "/v1/commands"), "{}", kind.what);
        let listed = &listed["entries"][index];
        assert_eq!(listed["line"], format!("town/{}", index + 1));
        assert_eq!(listed["reason"], reasons[index]);
        let show = format!("quarantine show town/{} --data data --bytes", index + 1);
        let shown = desk.command(&show).output().expect("the binary starts").stdout;
        assert_eq!(shown, *bytes, "{}", kind.what);
    }
}

/// As they are, nobody can read them but for the one that was sent to the wrong place. Mended, each has its effect, once.
fn mended(desk: &Desk, server: &Server, garbage: &[Garbage]) {
    let retry = format!("quarantine retry --data data --server {}", server.address);
    let said = desk.hansom(&retry);
    assert_eq!(said.code, 1, "{}", said.whole());
    let stay = said.out.lines().filter(|line| line.contains(" stays: ")).count();
    let elsewhere = garbage.iter().filter(|garbage| garbage.kind.what == garbage::A_POSITION).count();
    assert_eq!(stay, garbage.len() - elsewhere, "{}", said.out);

    for (index, garbage) in garbage.iter().enumerate().filter(|(index, _)| index % 4 == 0) {
        desk.write("mended.json", &garbage.meant.to_string());
        let retry = format!("{retry} town/{} --mended mended.json", index + 1);
        let taken = desk.hansom(&retry);
        let offset = taken.out.trim_end().strip_prefix(&*format!("town/{} is taken at offset ", index + 1));
        let offset = offset.unwrap_or_else(|| panic!("{}: {}", garbage.kind.what, taken.whole()));
        let turn = desk.hansom(&format!("log cat data/town --from {offset} --count 1")).out;
        let turn: Value = serde_json::from_str(&turn).unwrap_or_else(|error| panic!("{error}: {turn}"));
        assert_eq!(turn["command"]["key"], garbage.meant["id"], "{turn}");
        assert_eq!(turn["events"][0]["type"], "RideRequested", "{turn}");
        assert_eq!(turn["events"][0]["rider"], garbage.meant["data"]["rider"], "{turn}");
        assert_eq!(desk.hansom(&retry).out, taken.out, "handed over again, it is known");
    }
    let waits = desk.hansom("quarantine ls --data data --format json").out;
    let waits: Value = serde_json::from_str(&waits).expect("JSON");
    let left = garbage
        .iter()
        .enumerate()
        .filter(|(index, garbage)| index % 4 != 0 && garbage.kind.what != garbage::A_POSITION);
    assert_eq!(waits["entries"].as_array().map(Vec::len), Some(left.count()));
}
