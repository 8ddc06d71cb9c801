//! `hansom import`.

use crate::harness::Desk;

#[test]
fn a_procedural_city_goes_out_as_csv_and_comes_back_the_same() {
    let desk = Desk::new();
    let made = desk.hansom("import synthetic small-town --out town.network --csv town");
    insta::assert_snapshot!(made.whole());
    let back = desk.hansom("import csv town --out again.network");
    assert_eq!(back.code, 0, "{}", back.err);
    let identity = |text: &str| text.rsplit("is network ").next().map(str::to_owned);
    assert_eq!(identity(&made.out), identity(&back.out));
}

#[test]
fn a_city_that_does_not_exist_is_wrong_usage() {
    insta::assert_snapshot!(Desk::new().hansom("import synthetic smal-town --out x").whole());
}

#[test]
fn parts_that_are_left_out_are_reported() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("town")).expect("a folder");
    desk.write("town/nodes.csv", "node_id,lat,lon\n1,48.0,11.0\n2,48.001,11.0\n3,48.1,11.1\n");
    desk.write("town/edges.csv", "edge_id,from_node,to_node,length_m\n1,1,2,111\n2,2,1,111\n3,2,3,9000\n");
    insta::assert_snapshot!(desk.hansom("import csv town --out town.network").whole());
}

#[test]
fn a_fault_names_file_line_and_field() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("town")).expect("a folder");
    desk.write("town/nodes.csv", "node_id,lat,lon\n1,48.0,11.0\n2,north,11.0\n");
    desk.write("town/edges.csv", "edge_id,from_node,to_node,length_m\n1,1,2,111\n2,2,1,111\n");
    insta::assert_snapshot!(desk.hansom("import csv town --out town.network").whole());
    insta::assert_snapshot!(desk.hansom("import csv nowhere --out town.network").whole());
}
