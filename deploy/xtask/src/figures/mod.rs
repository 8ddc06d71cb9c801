//! Figures of a served market, from outside: the real binary over HTTP, on this machine. Printed, never judged.

mod client;
mod large;
mod recovery;

use std::path::Path;

use crate::shell::{Failure, Result};

/// Measures one figure of `hansom`, a release build.
pub fn run(root: &Path, what: &str, hansom: &str) -> Result<()> {
    let target = root.join("target");
    match what {
        "recovery" => recovery::run(&target, hansom),
        "outage" => recovery::outage(&target, hansom),
        _ => Err(Failure(format!("there is no figure `{what}`: recovery, outage"))),
    }
}
