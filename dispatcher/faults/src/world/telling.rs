//! Those who follow what the market tells.

use super::World;
use crate::broken::{Checked, Promise, ensure};
use crate::client::{ClientId, Down, Up};
use crate::stream::Piece;

impl World {
    /// What a reader is told that is at `from`; nothing, if nobody is there, or the log cannot be read for a reason: then it asks
    /// again.
    fn piece(&self, from: u64, tells_gaps: bool) -> Checked<Option<Piece>> {
        let Some(process) = &self.process else { return Ok(None) };
        match process.stream.read(&self.disk, from, tells_gaps) {
            Ok(piece) => {
                self.audit.told(&piece)?;
                Ok(Some(piece))
            }
            Err(fault) => {
                let reason = self.excused || self.disk.met().len() > self.met || !self.trusts();
                ensure(reason, Promise::Followed, || format!("the log cannot be read from {from} on: {fault}"))?;
                Ok(None)
            }
        }
    }

    /// Answers a reader.
    pub(super) fn tell(&mut self, to: ClientId, from: u64, tells_gaps: bool) -> Checked {
        if let Some(piece) = self.piece(from, tells_gaps)? {
            self.reply(to, &Down::Told(piece));
        }
        Ok(())
    }

    /// All is over: every reader comes to the end of what was released.
    pub(super) fn tell_the_rest(&mut self) -> Checked {
        let durable = self.audit.durable();
        for id in 0..self.clients.len() {
            while let Some(reader) = self.clients[id].reader().filter(|reader| reader.at() < durable)
                && let Up::Follow { from, tells_gaps } = reader.question()
                && let Some(piece) = self.piece(from, tells_gaps)?
            {
                let moment = self.moment();
                self.clients[id].hear(moment, Down::Told(piece))?;
                let goes_on = self.clients[id].reader().is_some_and(|reader| reader.at() > from);
                ensure(goes_on, Promise::Followed, || format!("offset {from} was released, and is not told"))?;
            }
        }
        Ok(())
    }
}
