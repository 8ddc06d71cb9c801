//! `hansom scenario`.

use crate::harness::{Desk, TOWN, root};

#[test]
fn a_list_says_what_each_scenario_shows() {
    let desk = Desk::new();
    desk.write("a.toml", TOWN);
    desk.write("b.toml", "# Another.\n");
    desk.write("notes.txt", "no scenario");
    insta::assert_snapshot!(desk.hansom("scenario list .").whole());
}

#[test]
fn an_empty_folder_is_wrong_input() {
    insta::assert_snapshot!(Desk::new().hansom("scenario list .").whole());
}

#[test]
fn show_prints_every_key_and_reads_back_the_same() {
    let desk = Desk::new();
    desk.write("town.toml", TOWN);
    let shown = desk.hansom("scenario show town.toml --set policy.kind=nearest");
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(shown.out.contains("kind = \"nearest\"\n"), "{}", shown.out);
    desk.write("shown.toml", &shown.out);
    assert_eq!(desk.hansom("scenario show shown.toml").out, shown.out);
}

#[test]
fn check_lists_every_fault_of_every_file_at_once() {
    let desk = Desk::new();
    desk.write("town.toml", TOWN);
    desk.write("bad.toml", &TOWN.replace("demand", "demnad").replace("09:00:00", "07:00:00"));
    insta::assert_snapshot!(desk.hansom("scenario check town.toml bad.toml").whole());
}

#[test]
fn a_change_that_is_no_pair_is_explained() {
    let desk = Desk::new();
    desk.write("town.toml", TOWN);
    insta::assert_snapshot!(desk.hansom("scenario show town.toml --set policy.kind").whole());
}

#[test]
fn every_scenario_of_the_repository_is_sound_and_says_what_it_shows() {
    let folder = root().join("scenarios");
    let files =
        std::fs::read_dir(&folder).expect("the folder of scenarios").map(|entry| entry.expect("an entry").path());
    for file in files.filter(|path| path.extension().is_some_and(|ending| ending == "toml")) {
        let text = std::fs::read_to_string(&file).expect("a scenario");
        assert!(text.starts_with("# ") && text.contains("Shows: "), "{} does not say what it shows", file.display());
        let said = Desk::new().hansom(&format!("scenario check {}", file.display()));
        assert_eq!(said.code, 0, "{}", said.err);
    }
}
