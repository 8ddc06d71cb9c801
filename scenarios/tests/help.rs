//! What `--help` says.

use crate::harness::Desk;

#[test]
fn every_command_explains_itself_with_examples() {
    let desk = Desk::new();
    insta::assert_snapshot!(desk.hansom("--help").whole());
    for command in [
        "simulate",
        "compare",
        "replay",
        "why",
        "why-not",
        "gate",
        "batch dump",
        "log ls",
        "log cat",
        "log verify",
        "import csv",
        "import synthetic",
        "scenario list",
        "scenario show",
        "scenario check",
        "serve",
        "bench",
        "history rebuild",
        "token",
        "quarantine ls",
        "quarantine show",
        "quarantine retry",
    ] {
        let said = desk.hansom(&format!("{command} --help"));
        assert!(said.out.contains("Examples:"), "{command} has no examples");
        insta::assert_snapshot!(command.replace(' ', "_"), said.whole());
    }
}

#[test]
fn a_command_that_does_not_exist_is_wrong_usage() {
    insta::assert_snapshot!(Desk::new().hansom("simulat town.toml").whole());
}
