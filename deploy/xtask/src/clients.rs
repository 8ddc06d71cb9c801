//! `GraphiQL` in a browser, clients that others wrote, and the apps of `api/examples`, against a real server.

use std::path::Path;

use crate::expected::Built;
use crate::{shell, tools};

/// Where what they need is kept, in the folder of the workspace.
const KEPT: &str = "target/clients";

/// Gets the programs that they need, and runs the checks that are named, or all.
pub fn run(root: &Path, built: &Built, checks: &[&str]) -> shell::Result<()> {
    tools::get_for_clients(root)?;
    let arguments = ["api/tests/clients/run.py", &built.hansom, "chromium", KEPT];
    let mut run = shell::command(root, "python3", &[&arguments, checks].concat());
    // What Python would leave beside its sources.
    run.env("PYTHONDONTWRITEBYTECODE", "1");
    shell::step("clients", run)
}
