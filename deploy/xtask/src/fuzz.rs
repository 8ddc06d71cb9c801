//! Every decoder of bytes from outside, tried with changed inputs.

use std::path::Path;

use crate::shell::{self, Failure, Result, cargo};

/// How long a target is tried where nothing is said, seconds.
pub const MINUTE: &str = "60";

/// Builds our crates with counters for coverage, which stable Rust has, and tries each target, or those named, for so many
/// seconds. What goes wrong is kept in `target/findings`.
pub fn run(root: &Path, seconds: &str, targets: &[&str]) -> Result<()> {
    if seconds.parse::<u32>().is_err() {
        return Err(Failure(format!("`{seconds}` is no number of seconds")));
    }
    let findings = root.join("target/findings");
    let findings = findings.to_string_lossy();
    let mut arguments = vec!["run", "--quiet", "--locked", "--package", "hansom-fuzz", "--", seconds, &findings];
    arguments.extend_from_slice(targets);
    let mut fuzz = cargo(root, &arguments);
    fuzz.env("RUSTC_WORKSPACE_WRAPPER", root.join("fuzz/instrument.sh"));
    // The counters are read in place; the profile that they would leave at the end is of no use. Nor is that of build scripts.
    fuzz.env("LLVM_PROFILE_FILE", "/dev/null");
    shell::step("fuzz", fuzz)
}
