//! A served market, killed under load or run out of its disk.

use std::path::Path;

use crate::shell::{self, Failure, Result, cargo};

/// Kills the server so many times, and draws the moments from `seed`; and as often again under a trace of its system calls. Each
/// time every order that was acknowledged has to be in the log, once; of traced lives in what is left of it if all that was
/// written and not synced is cut off.
pub fn run(root: &Path, kills: &str, seed: &str) -> Result<()> {
    for number in [kills, seed] {
        if number.parse::<u32>().is_err() {
            return Err(Failure(format!("`{number}` is no number")));
        }
    }
    // One after the other, as the times are told.
    let mut test = cargo(root, &[&TEST[..], &["--test-threads", "1", "every_kill"]].concat());
    test.env("HANSOM_KILLS", kills).env("HANSOM_SEED", seed);
    shell::step("kill", test)
}

// Of the whole workspace, so that what its tests were built from is used again.
const TEST: [&str; 7] = ["test", "--locked", "--workspace", "--test", "kill", "--", "--nocapture"];

/// Kills the server on a disk of 16 MiB, which is full now and then. The disk is there for this process only, which
/// takes a kernel that lets users mount their own.
pub fn full_disk(root: &Path) -> Result<()> {
    let place = root.join("target/small-disk");
    std::fs::create_dir_all(&place).map_err(|error| Failure(format!("cannot make {}: {error}", place.display())))?;
    let place = place.to_string_lossy();
    let script = format!("mount -t tmpfs -o size=16m tmpfs '{place}' && exec \"$@\"");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let own = ["--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh", &cargo];
    let mut test = shell::command(root, "unshare", &[&own[..], &TEST, &["is_there_once_after_every_kill"]].concat());
    test.env("HANSOM_SMALL_DISK", &*place);
    shell::step("full disk", test)
}

/// Whether this kernel lets users mount their own disks.
pub fn has_own_disks(root: &Path) -> bool {
    let try_it = shell::command(
        root,
        "unshare",
        &["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
    );
    shell::output(try_it).is_ok()
}
