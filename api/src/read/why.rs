//! Why drivers got a ride: what `hansom why` tells, of a market that serves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use hansom_engine::projection::why::{Decision, decisions};
use hansom_engine::record::canonical::blank;
use hansom_engine::{DriverId, RideId, State};
use hansom_market::log::{LogError, Reader};
use hansom_market::recovery::LOG_FOLDER;
use hansom_market::seam::disk::FileSystem;
use hansom_market::why::{self, Explained, Reason, Scene};

use super::history::{History, What};
use super::models::NotRead;
use super::past::{Past, PastError};

/// Why a driver was offered a ride.
#[derive(Debug)]
pub struct Why {
    /// The offer, and what it was chosen from.
    pub explained: Explained,
    /// What the outside called the drivers in it then.
    pub names: BTreeMap<DriverId, String>,
}

/// Explains each offer of a ride, in order; `None`: there is no such ride. Folds the log from the nearest snapshot before its first offer to its last one.
pub fn matched(past: &Past<'_>, history: &History, ride: u32, until: Instant) -> Result<Option<Vec<Why>>, NotRead> {
    let Some(row) = history.ride(ride)? else { return Ok(None) };
    let made: Vec<u64> = row.story.iter().filter(|step| step.what() == What::Offered).map(|step| step.offset).collect();
    let wanted = told(past, RideId(ride), &made)?;
    let first = wanted.iter().map(|decision| decision.basis.unwrap_or(decision.made).0).min();
    let (Some(first), Some(last)) = (first, made.last().copied()) else { return Ok(Some(Vec::new())) };

    let mut state = past.before(first, Some(until))?.into_state();
    let mut reader = reader(past, first)?;
    let mut found = Vec::new();
    let mut late = false;
    let explain = |scene: Scene<'_>, decision: &Decision| {
        let state = scene.state;
        let explained = Explained::of(scene, RideId(ride), decision);
        found.push(Why { names: names(state, &explained), explained });
        Ok::<_, LogError>(())
    };
    let go_on = |next| {
        late = Instant::now() >= until;
        next <= last && !late
    };
    why::revisit(&mut reader, past.streets, &mut state, (RideId(ride), &wanted), explain, go_on)
        .map_err(PastError::from)?;
    if late {
        return Err(PastError::TooFar.into());
    }
    found.sort_by_key(|why| (why.explained.decision.made, why.explained.decision.offer.epoch));
    Ok(Some(found))
}

/// The decisions that turns tell of.
fn told(past: &Past<'_>, ride: RideId, made: &[u64]) -> Result<Vec<Decision>, PastError> {
    let mut found = Vec::new();
    let mut turn = blank();
    let mut looked_at = None;
    for offset in made {
        // One turn may make several offers.
        if looked_at.replace(*offset) == Some(*offset) {
            continue;
        }
        if reader(past, *offset)?.next(&mut turn)?.is_some() {
            found.extend(decisions(&turn, ride));
        }
    }
    Ok(found)
}

fn reader(past: &Past<'_>, from: u64) -> Result<Reader, PastError> {
    Ok(Reader::open_on(Arc::new(FileSystem), &past.folder.join(LOG_FOLDER), from)?)
}

/// The names of all drivers that an explanation speaks of.
fn names(state: &State, explained: &Explained) -> BTreeMap<DriverId, String> {
    let looked_at: Vec<DriverId> = match &explained.reason {
        Reason::Nearest(candidates) => candidates.iter().map(|candidate| candidate.driver).collect(),
        Reason::Batch(Some(batch)) => batch.alternatives.iter().map(|pair| pair.driver).chain(batch.chosen).collect(),
        Reason::Batch(None) => Vec::new(),
    };
    let all = looked_at.into_iter().chain([explained.decision.offer.driver]);
    all.filter_map(|driver| Some((driver, state.fleet().get(driver)?.name.to_string()))).collect()
}
