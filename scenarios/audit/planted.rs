//! The audit finds nothing in a run of a synthetic city, and each of the errors planted in copies of it.

use std::path::Path;
use std::process::Command;

#[test]
fn an_audit_from_outside_finds_planted_errors_and_no_others() {
    let hansom = env!("CARGO_BIN_EXE_hansom");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("there is room for a run");
    let run = folder.path().join("run");
    let simulated = Command::new(hansom)
        .args(["simulate", "scenarios/small-town.toml", "--out"])
        .arg(&run)
        .current_dir(root)
        .output()
        .expect("cargo built the program beside this test");
    assert!(simulated.status.success(), "{}", String::from_utf8_lossy(&simulated.stderr));
    let audit = Command::new("python3")
        .arg(root.join("scenarios/audit/test_audit.py"))
        .arg(&run)
        .args(["--hansom", hansom])
        .output()
        .expect("python3 is installed: the audit is written in it");
    let [said, failed] = [audit.stdout, audit.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(audit.status.success(), "{said}{failed}");
}

/// What nobody can work out, a share or mean of nothing, is none for either side.
#[test]
fn a_run_in_which_nobody_drives_is_audited() {
    let hansom = env!("CARGO_BIN_EXE_hansom");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("there is room for a run");
    let run = folder.path().join("run");
    let simulated = Command::new(hansom)
        .args(["simulate", "scenarios/small-town.toml", "--set", "driver.acceptance=0", "--out"])
        .arg(&run)
        .current_dir(root)
        .output()
        .expect("cargo built the program beside this test");
    assert!(simulated.status.success(), "{}", String::from_utf8_lossy(&simulated.stderr));
    let audit = Command::new("python3")
        .arg(root.join("scenarios/audit/audit.py"))
        .arg(&run)
        .args(["--hansom", hansom])
        .output()
        .expect("python3 is installed: the audit is written in it");
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
}
