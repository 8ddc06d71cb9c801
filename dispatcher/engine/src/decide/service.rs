//! The market itself: it was away and is back; it says what it knows.

use crate::record::{Event, Refusal};
use crate::state::{SLICES, State};
use hansom_geo_index::Millis;

/// The market works again; what that means for deadlines follows from how long it was away.
pub fn resume(at: Millis, since: Millis, out: &mut Vec<Event>) {
    let gap_ms = at.0.saturating_sub(since.0).max(0).cast_unsigned();
    out.push(Event::Resumed { gap_ms });
}

/// Says what the market knows. Not under a key: noting that would change what was said.
pub fn checkpoint(state: &State, slice: u16, out: &mut Vec<Event>) -> Result<(), Refusal> {
    if slice >= SLICES {
        return Err(Refusal::NoSuchSlice);
    }
    out.push(Event::Checkpoint { slice, digest: state.slice_digest(slice) });
    Ok(())
}
