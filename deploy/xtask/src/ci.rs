//! All that must pass before a change lands, in the order in which a mistake is found soonest.

use std::path::Path;

use serde_json::Value;

use crate::expected::{self, Built, Mode};
use crate::shell::{self, Failure, Result, cargo, step};
use crate::{clients, fuzz, kill};

/// The scenario that is run end to end: seconds.
const TOWN: &str = "scenarios/small-town.toml";

/// Runs every check; stops at the first that fails.
pub fn run(root: &Path) -> Result<()> {
    step("format", cargo(root, &["fmt", "--all", "--", "--check"]))?;
    let lints = ["clippy", "--locked", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    step("lints", cargo(root, &lints))?;
    let mut docs = cargo(root, &["doc", "--locked", "--workspace", "--no-deps"]);
    docs.env("RUSTDOCFLAGS", "--deny warnings");
    step("docs", docs)?;
    crate::generate(root, Mode::Compare, &["check"])?;
    crate::test(root)?;
    if kill::has_own_disks(root) {
        kill::full_disk(root)?;
    } else {
        eprintln!("== full disk: not tried, as this kernel lets nobody mount a disk of their own");
    }
    fuzz::run(root, fuzz::MINUTE, &[])?;
    let built = expected::build(root)?;
    end_to_end(root, &built)?;
    clients::run(root, &built, &[])?;
    expected::run(root, Mode::Compare)
}

/// One town twice, the second time on one thread and without the processor's fused multiplication: the same digest, a log
/// that replays to it, and an audit that finds nothing.
fn end_to_end(root: &Path, Built { hansom, runs }: &Built) -> Result<()> {
    let mut chains = Vec::new();
    for (name, threads, tunables) in [("first", "2", ""), ("second", "1", "glibc.cpu.hwcaps=-FMA")] {
        let out = runs.join(name);
        let out = out.to_string_lossy();
        let arguments = ["simulate", TOWN, "--format", "json", "--quiet", "--threads", threads, "--out", &out];
        let mut simulate = shell::command(root, hansom, &arguments);
        simulate.env("GLIBC_TUNABLES", tunables);
        let summary: Value =
            serde_json::from_str(&shell::output(simulate)?).map_err(|error| Failure(format!("{TOWN}: {error}")))?;
        chains.push(summary["event_chain"].as_str().unwrap_or_default().to_owned());
    }
    if chains[0] != chains[1] || chains[0].is_empty() {
        return Err(Failure(format!("{TOWN} ran twice to different ends: {} and {}", chains[0], chains[1])));
    }
    let first = runs.join("first");
    let first = first.to_string_lossy();
    step("replay", shell::command(root, hansom, &["replay", &first, "--verify"]))?;
    let audit = |script| shell::command(root, "python3", &[script, &first, "--hansom", hansom]);
    step("audit", audit("scenarios/audit/audit.py"))?;
    step("audit of planted errors", audit("scenarios/audit/test_audit.py"))
}
