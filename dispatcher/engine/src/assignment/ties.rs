//! Of all optimal matchings, the one that [`super`] promises: rows in order, each by the lowest column it can have.
//!
//! With optimal duals at hand, a matching is optimal exactly if it uses tight arcs only (`near + far = profit`) and leaves
//! out no vertex with a positive dual. Two such matchings differ by cycles in a small directed graph, whose nodes are the
//! rows, each with the column it holds, and a *hub* that holds what nobody needs:
//!
//! - row → row: the first could take the column of the second; row → hub: it could take an unused column, or, its dual
//!   being zero, none;
//! - hub → row: what the row holds is needed by nobody: a column with a dual of zero, or none.
//!
//! Turning a cycle by one place (each takes what the next one held) gives another optimal matching, and every optimal
//! matching can be reached so. Hence a pair can be had exactly if it lies on a cycle, and only inside one strongly
//! connected component, which are single nodes where the optimum is unique: the usual case costs one pass. Turning a cycle
//! does not change the components.

use super::sparse::{Half, NONE, Side};

/// The buffers of the search for equally good matchings.
#[derive(Debug, Default)]
pub(super) struct Ties {
    /// Tight columns of row `i`, rising, are `tight[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    tight: Vec<u32>,
    /// Rows, and last the hub: the strongly connected component, named by a node of it; a settled row is its own.
    component: Vec<u32>,
    /// Order of discovery, while components are searched; otherwise the last row that a node was visited for, plus 1.
    seen: Vec<u32>,
    /// The earliest found of the pending nodes that a node is known to reach, while components are searched.
    lowest: Vec<u32>,
    /// The path from where a search began, each node with the number of its arcs already tried.
    path: Vec<(u32, u32)>,
    /// Nodes found and not yet put into a component.
    pending: Vec<u32>,
    /// Arcs looked at since the count was last taken.
    pub(super) looks: u64,
}

/// A node that was not seen yet.
const UNSEEN: u32 = 0;

impl Ties {
    /// Changes an optimal matching to the promised one. The duals, which must be optimal, stay.
    ///
    /// Nothing but a pass over the arcs where the optimum is unique; at most one traversal of the tight arcs for each row,
    /// and as much again for the components.
    pub(super) fn settle(&mut self, graph: &mut Side, rows: &mut Half, columns: &mut Half) {
        self.collect(graph, rows, columns);
        let mut renew_at = self.looks;
        for row in 0..rows.dual.len() as u32 {
            // Where ties abound, rows already settled break components up; searches that fail cost more than to renew them.
            if self.looks >= renew_at {
                if !self.components(rows, columns, row) {
                    return;
                }
                renew_at = self.looks + (self.tight.len() + self.starts.len()) as u64;
            }
            self.improve(rows, columns, row);
        }
    }

    /// Gathers the tight arcs of each row.
    fn collect(&mut self, graph: &mut Side, rows: &Half, columns: &Half) {
        self.tight.clear();
        self.starts.clear();
        self.starts.push(0);
        for (row, &kept) in (0..).zip(&rows.dual) {
            let start = self.tight.len();
            for &arc in graph.best_first(row) {
                self.looks += 1;
                if arc.profit() < kept {
                    break;
                }
                if arc.profit() - columns.dual[arc.to() as usize] == kept {
                    self.tight.push(arc.to());
                }
            }
            self.tight[start..].sort_unstable();
            self.starts.push(self.tight.len() as u32);
        }
    }

    fn tight(&self, row: u32) -> &[u32] {
        &self.tight[self.starts[row as usize] as usize..self.starts[row as usize + 1] as usize]
    }

    fn hub(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    /// The node that `node`'s next arc leads to, and with it the count of arcs tried moves on.
    fn next(&self, rows: &Half, columns: &Half, node: u32, tried: &mut u32) -> Option<u32> {
        let hub = self.hub();
        if node == hub {
            while *tried < hub {
                let row = *tried;
                *tried += 1;
                let held = rows.mate[row as usize];
                if is_spare(columns, held) {
                    return Some(row);
                }
            }
            return None;
        }
        let tight = self.tight(node);
        while let Some(&column) = tight.get(*tried as usize) {
            *tried += 1;
            match columns.mate[column as usize] {
                NONE => return Some(hub),
                holder if holder == node => {}
                holder => return Some(holder),
            }
        }
        let may_go_unserved = rows.dual[node as usize] == 0 && rows.mate[node as usize] != NONE;
        let first_time = std::mem::replace(tried, tight.len() as u32 + 1) == tight.len() as u32;
        (may_go_unserved && first_time).then_some(hub)
    }

    /// Finds the strongly connected components of `first` and the nodes after it (Tarjan, SIAM J. Comput. 1972, with a path
    /// of its own instead of recursion). Answers whether any holds more than one node: if not, nothing is left to choose.
    fn components(&mut self, rows: &Half, columns: &Half, first: u32) -> bool {
        let nodes = self.hub() + 1;
        for list in [&mut self.seen, &mut self.lowest] {
            list.clear();
            list.resize(nodes as usize, UNSEEN);
        }
        self.component.clear();
        self.component.extend(0..first);
        self.component.resize(nodes as usize, NONE);
        self.path.clear();
        let (mut found, mut several) = (UNSEEN, false);
        for root in first..nodes {
            if self.seen[root as usize] == UNSEEN {
                self.enter(root, &mut found);
            }
            while let Some((node, mut tried)) = self.path.pop() {
                if let Some(next) = self.next(rows, columns, node, &mut tried) {
                    self.looks += 1;
                    self.path.push((node, tried));
                    if self.component[next as usize] != NONE {
                        continue;
                    }
                    if self.seen[next as usize] == UNSEEN {
                        self.enter(next, &mut found);
                    } else {
                        self.lower(node, self.seen[next as usize]);
                    }
                    continue;
                }
                if self.lowest[node as usize] == self.seen[node as usize] {
                    several |= self.close(node) > 1;
                }
                if let Some(&(parent, _)) = self.path.last() {
                    self.lower(parent, self.lowest[node as usize]);
                }
            }
        }
        self.seen.fill(UNSEEN);
        several
    }

    fn enter(&mut self, node: u32, found: &mut u32) {
        *found += 1;
        self.seen[node as usize] = *found;
        self.lowest[node as usize] = *found;
        self.pending.push(node);
        self.path.push((node, 0));
    }

    fn lower(&mut self, node: u32, to: u32) {
        let lowest = &mut self.lowest[node as usize];
        *lowest = to.min(*lowest);
    }

    /// Makes `node` and what was found after it a component; answers its size.
    fn close(&mut self, node: u32) -> usize {
        let start = self.pending.iter().rposition(|&pending| pending == node).expect("a node on the path is pending");
        for &member in &self.pending[start..] {
            self.component[member as usize] = node;
        }
        self.pending.drain(start..).len()
    }

    /// Gives `row` the lowest column that it can have while all rows before it keep theirs.
    fn improve(&mut self, rows: &mut Half, columns: &mut Half, row: u32) {
        let held = rows.mate[row as usize];
        for at in self.starts[row as usize]..self.starts[row as usize + 1] {
            let column = self.tight[at as usize];
            // An unserved row holds `NONE`, which is above every column.
            if column >= held {
                return;
            }
            let holder = match columns.mate[column as usize] {
                NONE => self.hub(),
                holder => holder,
            };
            if self.reach(rows, columns, holder, row) {
                self.turn(rows, columns, row, column);
                return;
            }
        }
    }

    /// Whether a search for `row` may go on to `node`: not held by an earlier row, not visited, on a cycle at all.
    fn open(&self, row: u32, node: u32) -> bool {
        node > row
            && self.seen[node as usize] != row + 1
            && self.component[node as usize] == self.component[row as usize]
    }

    /// Leaves a path from `from` back to `row` in `self.path`, if there is one. What a failed search for the same row has
    /// visited leads nowhere and is not visited again.
    fn reach(&mut self, rows: &Half, columns: &Half, from: u32, row: u32) -> bool {
        self.path.clear();
        if self.open(row, from) && self.visit(rows, columns, from, row) {
            return true;
        }
        while let Some((node, mut tried)) = self.path.pop() {
            let Some(next) = self.next(rows, columns, node, &mut tried) else {
                continue;
            };
            self.looks += 1;
            self.path.push((node, tried));
            if self.open(row, next) && self.visit(rows, columns, next, row) {
                return true;
            }
        }
        false
    }

    /// Goes on to `node`; answers whether the path is complete. Looking ahead for that, before going anywhere from `node`,
    /// is what keeps paths short where nearly everything is tied.
    fn visit(&mut self, rows: &Half, columns: &Half, node: u32, row: u32) -> bool {
        self.seen[node as usize] = row + 1;
        let hub = self.hub();
        // Rows before `row` are settled: at the hub the search starts behind them.
        self.path.push((node, if node == hub { row } else { 0 }));
        let held = rows.mate[row as usize];
        if node == hub {
            return is_spare(columns, held);
        }
        self.looks += 1;
        if held != NONE && self.tight(node).binary_search(&held).is_ok() {
            return true;
        }
        if is_spare(columns, held) && self.open(row, hub) && self.leads_to_hub(rows, columns, node) {
            self.path.push((hub, row));
            return true;
        }
        false
    }

    /// Whether a row could hold something unused instead, or nothing.
    fn leads_to_hub(&mut self, rows: &Half, columns: &Half, row: u32) -> bool {
        self.looks += self.tight(row).len() as u64;
        rows.dual[row as usize] == 0 || self.tight(row).iter().any(|&column| columns.mate[column as usize] == NONE)
    }

    /// Turns the cycle of `row`, which takes `column`, and the path: each node takes what the next one held.
    fn turn(&self, rows: &mut Half, columns: &mut Half, row: u32, column: u32) {
        let hub = self.hub();
        for (at, &(node, _)) in self.path.iter().enumerate() {
            let next = self.path.get(at + 1).map_or(row, |next| next.0);
            let taken = if next == hub {
                let unused = |column: &&u32| columns.mate[**column as usize] == NONE;
                self.tight(node).iter().find(unused).copied().unwrap_or(NONE)
            } else {
                rows.mate[next as usize]
            };
            if node != hub {
                rows.mate[node as usize] = taken;
            }
            if taken != NONE {
                columns.mate[taken as usize] = if node == hub { NONE } else { node };
            }
        }
        rows.mate[row as usize] = column;
        columns.mate[column as usize] = row;
    }
}

/// Whether nobody needs what a row holds.
fn is_spare(columns: &Half, held: u32) -> bool {
    held == NONE || columns.dual[held as usize] == 0
}
