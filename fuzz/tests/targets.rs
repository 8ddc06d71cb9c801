//! Each target takes what it starts from, and some changed inputs do it no harm. `cargo xtask fuzz` tries many more.

use hansom_fuzz::session::Session;
use hansom_fuzz::targets::targets;

#[test]
fn every_decoder_takes_its_seeds_and_survives_their_neighbours() {
    for target in targets() {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty() && seeds.iter().all(|seed| target.attempt(seed)), "{} takes its seeds", target.name);
        let mut session = Session::new(&target, 7);
        let mut tried = seeds.into_iter().try_for_each(|seed| session.add(seed));
        for _ in 0..500 {
            tried = tried.and_then(|()| session.step());
        }
        assert_eq!(tried, Ok(()), "{}", target.name);
    }
}
