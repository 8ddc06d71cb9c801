//! An ε-scaling auction, forward and reverse: duals near the optimum, fast, for the augmenting paths to finish from.
//!
//! In the forward phase unmatched rows bid: each takes its best column, displaces whoever held it, and raises the column's
//! price until it is ε worse than the row's second best. In the reverse phase unmatched columns that still ask a price bid
//! for rows in the same way, which brings prices down again where columns are left over: without it a price war among rows
//! leaves columns that are dear and unsold. Each round divides ε, down to about a hundredth of what a row's choices differ
//! by. What comes out is approximate, and need not even be complete: the paths make it exact from any prices.

use super::sparse::{Arc, Half, NONE, Side};

/// ε falls to a seventh from round to round, and to no less than this part of the mean spread of a row's profits. Both
/// were chosen by the bench, which changes little from a fourth to a tenth, and from a fiftieth to a two-hundredth.
const EPSILON_FALL: i64 = 7;
const SPREAD_PARTS: i64 = 100;

/// The first ε is at least this part of the mean best profit, so that a price war over all of it is short.
const PROFIT_PARTS: i64 = 20;

/// An auction looks at each arc this often on average and no more; 10,000 balanced rows and columns take a third of it.
const LOOKS_PER_ARC: u64 = 128;

/// The buffers of an auction.
#[derive(Debug, Default)]
pub(super) struct Auction {
    /// Who has yet to bid; the last bids first.
    bidders: Vec<u32>,
    /// Arcs looked at since the count was last taken.
    pub(super) looks: u64,
}

impl Auction {
    /// Leaves prices (the duals of `columns`) near the optimum, and a matching that nearly agrees with them.
    pub(super) fn run(&mut self, by_row: &mut Side, by_column: &mut Side, rows: &mut Half, columns: &mut Half) {
        let limit = self.looks + LOOKS_PER_ARC * by_row.arcs() as u64;
        let (mut epsilon, last) = epsilons(by_row);
        loop {
            rows.mate.fill(NONE);
            columns.mate.fill(NONE);
            self.bidders.extend((0..rows.mate.len() as u32).rev());
            self.bid(by_row, rows, columns, epsilon, limit);
            let asks = |&column: &u32| columns.mate[column as usize] == NONE && columns.dual[column as usize] > 0;
            self.bidders.extend((0..columns.mate.len() as u32).rev().filter(asks));
            self.bid(by_column, columns, rows, epsilon, limit);
            if epsilon == last || self.looks >= limit {
                return;
            }
            // A round may have driven prices up to ε too high; only bids of the next one can tell by how much.
            for price in &mut columns.dual {
                *price = (*price - epsilon).max(0);
            }
            epsilon = (epsilon / EPSILON_FALL).max(last);
        }
    }

    /// Lets the bidders of the near side bid until each has a mate or wants none at the prices of the far side.
    fn bid(&mut self, graph: &mut Side, near: &mut Half, far: &mut Half, epsilon: i64, limit: u64) {
        while let Some(bidder) = self.bidders.pop() {
            if self.looks >= limit {
                self.bidders.clear();
                return;
            }
            let (best, second) = self.two_best(graph, far, bidder);
            if best == Arc::NOTHING {
                near.dual[bidder as usize] = 0;
                continue;
            }
            far.dual[best.to() as usize] += best.profit() - second.profit() + epsilon;
            near.dual[bidder as usize] = (second.profit() - epsilon).max(0);
            near.mate[bidder as usize] = best.to();
            let displaced = std::mem::replace(&mut far.mate[best.to() as usize], bidder);
            if displaced != NONE {
                near.mate[displaced as usize] = NONE;
                self.bidders.push(displaced);
            }
        }
    }

    /// What is worth most and second most to a bidder at the prices asked.
    fn two_best(&mut self, graph: &mut Side, far: &Half, bidder: u32) -> (Arc, Arc) {
        let (mut best, mut second) = (Arc::NOTHING, Arc::NOTHING);
        // Most of a solve is spent here. Minimum and maximum instead of branches, as which arc wins is anyone's guess, and
        // four arcs to a test for the end, were worth a quarter of it.
        let (fours, rest) = graph.best_first(bidder).as_chunks::<4>();
        for four in fours {
            // No later arc is worth more, whatever its price.
            if four[0] <= second {
                break;
            }
            self.looks += 4;
            for &arc in four {
                let worth = arc.at_price(far.dual[arc.to() as usize]);
                second = second.max(best.min(worth));
                best = best.max(worth);
            }
        }
        self.looks += rest.len() as u64;
        for &arc in rest {
            let worth = arc.at_price(far.dual[arc.to() as usize]);
            second = second.max(best.min(worth));
            best = best.max(worth);
        }
        (best, second)
    }
}

/// The first and the last ε for these profits.
fn epsilons(by_row: &mut Side) -> (i64, i64) {
    let (mut wanting, mut profit, mut spread) = (0_i64, 0_i64, 0_i64);
    for row in 0..by_row.len() as u32 {
        if let [best, .., worst] = by_row.best_first(row) {
            wanting += 1;
            // Below 2^20 rows of profits below 2^41.
            profit += best.profit();
            spread += best.profit() - worst.profit();
        }
    }
    let (profit, spread) = (profit / wanting.max(1), spread / wanting.max(1));
    let last = (spread / SPREAD_PARTS).max(1);
    ((spread + spread / 2).max(profit / PROFIT_PARTS).max(last), last)
}
