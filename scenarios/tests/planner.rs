//! Planners that are programs of somebody else's: `policy.kind = "external"`. Those here are in Python.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Desk, Said, root};

const EXAMPLES: &str = "api/examples/planner";

fn example(name: &str) -> String {
    root().join(EXAMPLES).join(name).display().to_string()
}

/// A desk with a town and Python programs.
fn desk() -> Desk {
    let found = Command::new("python3").args(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]).status();
    assert!(found.is_ok_and(|it| it.success()), "planners of the tests are in Python: install Python 3.11 or newer");
    Desk::with_town()
}

/// A run of the town in `run`, planned by a program.
fn planned(desk: &Desk, program: &str, more: &str) -> (Said, Value) {
    let keys =
        "policy = { kind = \"external\", external = { command = \"python3 PROGRAM\" } }\n".replace("PROGRAM", program);
    desk.write("planned.toml", &format!("{}{keys}", crate::harness::TOWN));
    let said = desk.hansom(&format!("simulate planned.toml --out run --format json {more}"));
    let summary = serde_json::from_str(&said.out).unwrap_or(Value::Null);
    (said, summary)
}

#[test]
fn a_planner_of_thirty_lines_runs_a_town() {
    let desk = desk();
    let lines = fs::read_to_string(example("greedy.py")).expect("the example").lines().count();
    assert!(lines <= 35, "{lines} lines");
    let (said, summary) = planned(&desk, &example("greedy.py"), "");
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.whole());
    assert!(summary["service_rate"].as_f64().is_some_and(|rate| rate > 0.8), "{summary}");
    assert_eq!(summary["invariant_violations"], 0);
    // What the program said is in the log: decided again without it, to the same end.
    let again = desk.hansom("replay run --verify");
    assert_eq!(again.code, 0, "{}", again.whole());
    let (_, second) = planned(&desk, &example("greedy.py"), "");
    assert_eq!(summary["event_chain"], second["event_chain"]);
}

#[test]
fn an_answer_that_is_wrong_or_late_is_not_taken_and_the_rides_wait() {
    let desk = desk();
    let honest = fs::read_to_string(example("greedy.py")).expect("the example");
    desk.write("greedy.py", &honest);
    let head = "import json, os, sys\nfrom greedy import answer\nfor n, line in enumerate(sys.stdin):\n    question = json.loads(line)\n    said = answer(question)\n";
    let tail = "    print(json.dumps(said), flush=True)\n";
    for (name, fault, reason) in [
        ("text", "    if n % 3 == 0: said = 'no'\n", "the planner's answer is wrong: invalid type"),
        ("basis", "    if n % 3 == 0: said['basis'] += 1\n", "it is to question"),
        (
            "driver",
            "    for change in said['changes']: change['driver'] += 1000 * (n % 3 == 0)\n",
            "is not among the arcs",
        ),
        ("twice", "    if n % 3 == 0: said['changes'] *= 2\n", "is assigned twice"),
        (
            "late",
            "    if n == 3 and not os.path.exists('late'):\n        open('late', 'w')\n        continue\n",
            "no answer of the planner within 5000 ms",
        ),
        ("gone", "    if n == 3: sys.exit()\n", "the planner cannot be reached"),
    ] {
        desk.write("planner.py", &format!("{head}{fault}{tail}"));
        // Only the one that never answers is not waited for.
        let patience = if name == "late" { 5_000 } else { 60_000 };
        let (said, summary) = planned(&desk, "planner.py", &format!("--set policy.external.timeout_ms={patience}"));
        assert_eq!(said.code, 0, "{name}: {}", said.whole());
        assert!(said.err.contains(reason), "{name}: {}", said.err);
        assert!(summary["service_rate"].as_f64().is_some_and(|rate| rate > 0.5), "{name}: {summary}");
        assert_eq!(summary["invariant_violations"], 0, "{name}");
        assert_eq!(desk.hansom("replay run --verify").code, 0, "{name}");
        if !matches!(name, "late" | "gone") {
            let kept = desk.hansom("quarantine ls --data .").out;
            assert!(kept.contains("planner"), "{name}: {kept}");
        }
        fs::remove_dir_all(desk.path("run")).expect("the run's folder");
    }
}

#[test]
fn a_planner_that_cannot_be_had_is_explained() {
    let desk = desk();
    let told = desk.transcript(&[
        "simulate town.toml --set policy.kind=external",
        "simulate town.toml --set policy.external.command=a --set policy.external.address=b:1",
        "simulate town.toml --set policy.kind=external --set policy.external.comand=a",
    ]);
    insta::assert_snapshot!(told);
    assert_eq!(desk.hansom("simulate town.toml --out run").code, 0);
    let said =
        desk.hansom("simulate town.toml --set policy.kind=external --set policy.external.command=./nowhere --out run");
    assert_eq!(said.code, 1, "{}", said.whole());
    assert!(said.err.contains("error[E0612]: the planner cannot be reached: No such file"), "{}", said.err);
    assert!(desk.path("run/summary.json").exists(), "the run before stays");
    desk.write("silent.py", "import sys\nprint('no planner today', file=sys.stderr)\n");
    let (said, _) = planned(&desk, "silent.py", "");
    assert_eq!(said.code, 1, "{}", said.whole());
    assert!(said.err.contains("error[E0612]") && said.err.contains("no planner today"), "{}", said.err);
}

/// Installs what the example needs, pinned, in an environment of its own; that needs a package index.
#[test]
fn a_gymnasium_environment_plays_two_episodes() {
    let desk = desk();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(desk.path(".")).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{program} {arguments:?} failed; the test needs Python's venv and pip, and an index of packages:\n{}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout)
    };
    run("python3", &["-m", "venv", "venv"]);
    let python = desk.path("venv/bin/python").display().to_string();
    run(&python, &["-m", "pip", "install", "--quiet", "--requirement", &example("requirements.txt")]);
    let hansom = env!("CARGO_BIN_EXE_hansom");
    let said = run(&python, &[&example("hansom_env.py"), "town.toml", "--hansom", hansom]);
    let episodes: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(episodes.iter().map(|it| &it["agent"]).collect::<Vec<_>>(), ["nearest", "chance"]);
    assert!(episodes.iter().all(|it| it["steps"].as_u64().is_some_and(|steps| steps > 10)), "{said}");
    let rate = |n: usize| episodes[n]["service_rate"].as_f64().expect("a share");
    assert!(rate(0) >= rate(1), "{said}");
    let check = format!(
        "import sys; sys.path.insert(0, {:?})\nfrom gymnasium.utils.env_checker import check_env\n\
         from hansom_env import DispatchEnv\ncheck_env(DispatchEnv('town.toml', {hansom:?}), skip_render_check=True)",
        root().join(EXAMPLES)
    );
    run(&python, &["-W", "ignore", "-c", &check]);
}
