//! A uniform grid whose cells hold the points themselves, so that a search reads one run of memory a cell.

use super::{Found, MovingIndex};
use crate::coord::Point;
use crate::network::{Network, NodeId};

/// Cells are at least 2^17 mm, 131 m, wide.
const LEAST_SHIFT: u32 = 17;

/// At most so many cells: wider ones for wider networks.
const MOST_CELLS: u64 = 1 << 20;

/// Not in the grid.
const NOWHERE: u32 = u32::MAX;

/// The index of moving drivers. Points outside its bounds count to the cells at the rim.
#[derive(Debug, Clone)]
pub struct Grid {
    low: Point,
    shift: u32,
    columns: u32,
    rows: u32,
    cells: Vec<Vec<Entry>>,
    /// Where each id is.
    slots: Vec<Slot>,
    /// Which cells are not empty, row by row and column by column, so that a search skips deserted land 64 cells at a time.
    by_row: Lines,
    by_column: Lines,
    len: usize,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    point: Point,
    id: u32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    cell: u32,
    at: u32,
}

impl Grid {
    /// An empty grid for points between `low` and `high`, corners of a rectangle.
    pub fn new(low: Point, high: Point) -> Self {
        let span = |low: i32, high: i32| u64::from(high.max(low).abs_diff(low));
        let (width, height) = (span(low.x, high.x), span(low.y, high.y));
        let mut shift = LEAST_SHIFT;
        while ((width >> shift) + 1) * ((height >> shift) + 1) > MOST_CELLS {
            shift += 1;
        }
        let (columns, rows) = ((width >> shift) as u32 + 1, (height >> shift) as u32 + 1);
        Self {
            low,
            shift,
            columns,
            rows,
            cells: vec![Vec::new(); (columns * rows) as usize],
            slots: Vec::new(),
            by_row: Lines::new(rows, columns),
            by_column: Lines::new(columns, rows),
            len: 0,
        }
    }

    /// An empty grid over all nodes of `network`.
    pub fn over(network: &Network) -> Self {
        let points = || (0..network.node_count() as u32).map(|node| network.node_point(NodeId(node)));
        let corner = |pick: fn(i32, i32) -> i32| {
            points().reduce(|a, b| Point { x: pick(a.x, b.x), y: pick(a.y, b.y) }).unwrap_or_default()
        };
        Self::new(corner(i32::min), corner(i32::max))
    }

    /// Where `id` is, if it is in.
    pub fn get(&self, id: u32) -> Option<Point> {
        let slot = self.slots.get(id as usize).filter(|slot| slot.cell != NOWHERE)?;
        Some(self.cells[slot.cell as usize][slot.at as usize].point)
    }

    #[inline]
    fn column(&self, x: i32) -> u32 {
        line(x, self.low.x, self.shift, self.columns)
    }

    #[inline]
    fn row(&self, y: i32) -> u32 {
        line(y, self.low.y, self.shift, self.rows)
    }

    fn enter(&mut self, id: u32, cell: u32, point: Point) {
        let entries = &mut self.cells[cell as usize];
        self.slots[id as usize] = Slot { cell, at: entries.len() as u32 };
        entries.push(Entry { point, id });
        if entries.len() == 1 {
            self.mark(cell, true);
        }
    }

    fn leave(&mut self, Slot { cell, at }: Slot) {
        let entries = &mut self.cells[cell as usize];
        entries.swap_remove(at as usize);
        if let Some(moved) = entries.get(at as usize) {
            self.slots[moved.id as usize].at = at;
        } else if entries.is_empty() {
            self.mark(cell, false);
        }
    }

    fn mark(&mut self, cell: u32, filled: bool) {
        let (column, row) = (cell % self.columns, cell / self.columns);
        self.by_row.mark(row, column, filled);
        self.by_column.mark(column, row, filled);
    }
}

impl MovingIndex for Grid {
    #[inline]
    fn update(&mut self, id: u32, point: Point) {
        let cell = self.row(point.y) * self.columns + self.column(point.x);
        if id as usize >= self.slots.len() {
            self.slots.resize(id as usize + 1, Slot { cell: NOWHERE, at: 0 });
        }
        let slot = self.slots[id as usize];
        if slot.cell == cell {
            self.cells[cell as usize][slot.at as usize].point = point;
            return;
        }
        if slot.cell == NOWHERE {
            self.len += 1;
        } else {
            self.leave(slot);
        }
        self.enter(id, cell, point);
    }

    fn remove(&mut self, id: u32) -> bool {
        let Some(&slot) = self.slots.get(id as usize).filter(|slot| slot.cell != NOWHERE) else { return false };
        self.leave(slot);
        self.slots[id as usize].cell = NOWHERE;
        self.len -= 1;
        true
    }

    fn len(&self) -> usize {
        self.len
    }

    fn nearest(
        &self,
        point: Point,
        radius_mm: u32,
        k: usize,
        mut wanted: impl FnMut(u32) -> bool,
        out: &mut Vec<Found>,
    ) {
        out.clear();
        if k == 0 {
            return;
        }
        let mut rings = Rings::new(self, point);
        let mut worst = u64::from(radius_mm) * u64::from(radius_mm);
        // Strictly beyond: a point just as far that has not been seen may have a lower id.
        while worst >= rings.beyond2() {
            let more = rings.next(|cell_distance2, entries| {
                if cell_distance2 > worst {
                    return;
                }
                for entry in entries {
                    let distance2 = entry.point.distance2(point);
                    if distance2 > worst {
                        continue;
                    }
                    let found = (distance2, entry.id);
                    if out.len() < k {
                        if wanted(entry.id) {
                            out.push(found);
                            if out.len() == k {
                                out.sort_unstable();
                                worst = out[k - 1].0;
                            }
                        }
                    } else if found < out[k - 1] && wanted(entry.id) {
                        let at = out.partition_point(|other| *other < found);
                        out.pop();
                        out.insert(at, found);
                        worst = out[k - 1].0;
                    }
                }
            });
            if !more {
                break;
            }
        }
        if out.len() < k {
            out.sort_unstable();
        }
    }

    fn within(&self, point: Point, radius_mm: u32, out: &mut Vec<Found>) {
        out.clear();
        let limit = u64::from(radius_mm) * u64::from(radius_mm);
        let mut rings = Rings::new(self, point);
        while rings.beyond2() <= limit {
            let more = rings.next(|cell_distance2, entries| {
                if cell_distance2 <= limit {
                    let found = entries.iter().map(|entry| (entry.point.distance2(point), entry.id));
                    out.extend(found.filter(|&(distance2, _)| distance2 <= limit));
                }
            });
            if !more {
                break;
            }
        }
        out.sort_unstable();
    }
}

/// The cells around a point, square ring by square ring.
#[derive(Debug)]
struct Rings<'a> {
    grid: &'a Grid,
    centre: Point,
    column: u32,
    row: u32,
    /// The next ring: 0 is the cell of the centre.
    ring: u32,
}

impl<'a> Rings<'a> {
    fn new(grid: &'a Grid, centre: Point) -> Self {
        Self { grid, centre, column: grid.column(centre.x), row: grid.row(centre.y), ring: 0 }
    }

    /// No point in a ring yet to come is nearer than the root of this, in mm².
    fn beyond2(&self) -> u64 {
        let Some(seen) = self.ring.checked_sub(1) else { return 0 };
        let grid = self.grid;
        // Beyond the last line of cells there is nothing, for those at the rim hold what lies outside.
        let side = |line: u32, lines: u32, low: i32, at: i32| {
            let edge = |line: u32| i64::from(low) + (i64::from(line) << grid.shift);
            let before = line.checked_sub(seen).filter(|&line| line > 0).map(|line| i64::from(at) - edge(line) + 1);
            let behind = Some(line + seen + 1).filter(|&line| line < lines).map(|line| edge(line) - i64::from(at));
            before.unwrap_or(i64::MAX).min(behind.unwrap_or(i64::MAX))
        };
        let across = side(self.column, grid.columns, grid.low.x, self.centre.x);
        let along = side(self.row, grid.rows, grid.low.y, self.centre.y);
        let nearest = across.min(along).unsigned_abs();
        nearest.saturating_mul(nearest)
    }

    /// Shows the cells of the next ring that are not empty, each with a bound: none of its points is nearer than the root
    /// of that, in mm². False, and none, if there are no more rings.
    fn next(&mut self, mut show: impl FnMut(u64, &[Entry])) -> bool {
        let (grid, ring) = (self.grid, self.ring);
        let (left, right) = (self.column.checked_sub(ring), Some(self.column + ring).filter(|&c| c < grid.columns));
        let (bottom, top) = (self.row.checked_sub(ring), Some(self.row + ring).filter(|&r| r < grid.rows));
        if left.is_none() && right.is_none() && bottom.is_none() && top.is_none() {
            return false;
        }
        self.ring += 1;
        let centre = self.centre;
        let mut cell = |row: u32, column: u32| {
            let across = gap(centre.x, column, grid.low.x, grid.shift, grid.columns);
            let along = gap(centre.y, row, grid.low.y, grid.shift, grid.rows);
            show(
                across.saturating_mul(across).saturating_add(along.saturating_mul(along)),
                &grid.cells[(row * grid.columns + column) as usize],
            );
        };
        let columns = left.unwrap_or(0)..right.map_or(grid.columns, |right| right + 1);
        let same = ring == 0;
        for row in [bottom, top.filter(|_| !same)].into_iter().flatten() {
            grid.by_row.each(row, columns.clone(), |column| cell(row, column));
        }
        let rows = bottom.map_or(0, |bottom| bottom + 1)..top.unwrap_or(grid.rows);
        for column in [left, right].into_iter().flatten().filter(|_| !same) {
            grid.by_column.each(column, rows.clone(), |row| cell(row, column));
        }
        true
    }
}

/// One bit a cell, line by line.
#[derive(Debug, Clone)]
struct Lines {
    words_per_line: usize,
    words: Vec<u64>,
}

impl Lines {
    fn new(lines: u32, length: u32) -> Self {
        let words_per_line = length.div_ceil(64) as usize;
        Self { words_per_line, words: vec![0; words_per_line * lines as usize] }
    }

    fn mark(&mut self, line: u32, at: u32, filled: bool) {
        let word = &mut self.words[line as usize * self.words_per_line + at as usize / 64];
        let bit = 1 << (at % 64);
        *word = if filled { *word | bit } else { *word & !bit };
    }

    /// The places of `line` in `range` that are marked, ascending.
    #[inline]
    fn each(&self, line: u32, range: std::ops::Range<u32>, mut show: impl FnMut(u32)) {
        if range.is_empty() {
            return;
        }
        let base = line as usize * self.words_per_line;
        for at in range.start / 64..=(range.end - 1) / 64 {
            let mut word = self.words[base + at as usize];
            if at == range.start / 64 {
                word &= u64::MAX << (range.start % 64);
            }
            if at == (range.end - 1) / 64 {
                word &= u64::MAX >> (63 - (range.end - 1) % 64);
            }
            while word != 0 {
                show(at * 64 + word.trailing_zeros());
                word &= word - 1;
            }
        }
    }
}

/// How far coordinate `at` is from the nearest that line of cells `line` holds.
#[inline]
fn gap(at: i32, line: u32, low: i32, shift: u32, lines: u32) -> u64 {
    let start = i64::from(low) + (i64::from(line) << shift);
    let before = if line == 0 { 0 } else { start - i64::from(at) };
    let behind = if line + 1 == lines { 0 } else { i64::from(at) - (start + (1 << shift) - 1) };
    before.max(behind).max(0).unsigned_abs()
}

/// The line of cells, of `lines`, that holds coordinate `at`; the lines begin at `low`.
#[inline]
fn line(at: i32, low: i32, shift: u32, lines: u32) -> u32 {
    let steps = (i64::from(at) - i64::from(low)) >> shift;
    steps.clamp(0, i64::from(lines) - 1) as u32
}
