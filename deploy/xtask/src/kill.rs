//! A served market, killed under load.

use std::path::Path;

use crate::shell::{self, Failure, Result, cargo};

/// Kills the server so many times, and draws the moments from `seed`. Each time every order that was acknowledged has to be in
/// the log, once.
pub fn run(root: &Path, kills: &str, seed: &str) -> Result<()> {
    for number in [kills, seed] {
        if number.parse::<u32>().is_err() {
            return Err(Failure(format!("`{number}` is no number")));
        }
    }
    let test = ["test", "--locked", "--package", "hansom", "--test", "kill", "--", "--nocapture", "every_kill"];
    let mut test = cargo(root, &test);
    test.env("HANSOM_KILLS", kills).env("HANSOM_SEED", seed);
    shell::step("kill", test)
}
