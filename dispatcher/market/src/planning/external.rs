//! A planner that is a program of somebody else's, in any language.
//!
//! It gets each matching problem as a line of JSON and answers with one: who shall serve whom. What it answers is looked at
//! before it is believed; a wrong or late answer is told of, and stands for no assignment at all: the rides are asked about
//! again with the next window. Nothing of a market's course depends on the program but its answers, which are in the log.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use hansom_engine::assignment::NotOptimal;
use hansom_engine::planner::MatchingProblem;
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::record::Proposal;
use hansom_geo_index::{Millis, Network};

use super::Plan;
use super::wire::{WrongAnswer, answer, question};
use crate::seam::peer::{Peer, Reach};
use crate::streets::Streets;

/// An answer that was not taken.
#[derive(Debug)]
pub struct Miss {
    /// When the question was asked.
    pub at: Millis,
    /// Why.
    pub why: Fault,
    /// The answer, if there was one.
    pub answer: Vec<u8>,
    /// Whether the program had answered anything before.
    pub has_spoken: bool,
}

/// Why an answer was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The program cannot be reached, or is gone.
    #[error("the planner cannot be reached: {0}")]
    Gone(io::Error),
    /// No answer in time.
    #[error("no answer of the planner within {} ms", .0.as_millis())]
    Late(Duration),
    /// Not the answer to the question.
    #[error("the planner's answer is wrong: {0}")]
    Wrong(#[from] WrongAnswer),
}

/// Told of each answer that was not taken.
pub type Missed = Box<dyn FnMut(Miss) + Send>;

/// Where an external planner is, and how long it is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlying {
    /// How it is reached.
    pub reach: Reach,
    /// How long an answer may take.
    pub patience: Duration,
}

/// The market's side of an external planner.
pub struct External {
    place: Outlying,
    network: Arc<Network>,
    /// Works out which pairs are allowed, and what they cost.
    pairs: BatchPlanner,
    peer: Option<Peer>,
    /// Whether it has answered anything so far.
    has_spoken: bool,
    missed: Missed,
}

impl External {
    /// A planner that is reached with its first question.
    pub fn new(place: Outlying, streets: &Streets, missed: Missed) -> Self {
        Self {
            place,
            network: streets.network.clone(),
            pairs: streets.planner(),
            peer: None,
            has_spoken: false,
            missed,
        }
    }

    /// A planner that is reached now.
    pub fn reached(place: Outlying, streets: &Streets, missed: Missed) -> Result<Self, Fault> {
        let peer = Peer::reach(&place.reach, place.patience).map_err(Fault::Gone)?;
        Ok(Self { peer: Some(peer), ..Self::new(place, streets, missed) })
    }

    fn ask(&mut self, line: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let Outlying { reach, patience } = &self.place;
        let peer = match &mut self.peer {
            Some(peer) => peer,
            none => none.insert(Peer::reach(reach, *patience).map_err(Fault::Gone)?),
        };
        peer.ask(line, *patience).map_err(|fault| match fault.kind() {
            ErrorKind::TimedOut => Fault::Late(*patience),
            _ => Fault::Gone(fault),
        })
    }
}

impl Plan for External {
    fn answer(&mut self, problem: &MatchingProblem<'_>) -> Result<Proposal, NotOptimal> {
        let matrix = self.pairs.matrix(problem);
        let has_spoken = self.has_spoken;
        let asked = self.ask(question(problem, &matrix, &self.network));
        self.has_spoken |= asked.is_ok();
        let (why, said) = match asked {
            Ok(said) => match answer(&said, problem.basis, &matrix) {
                Ok(proposal) => return Ok(proposal),
                Err(wrong) => (Fault::from(wrong), said),
            },
            Err(fault) => {
                // A late answer would be taken for that to the next question: the program is reached anew.
                self.peer = None;
                (fault, Vec::new())
            }
        };
        (self.missed)(Miss { at: problem.at, why, answer: said, has_spoken });
        Ok(Proposal { basis: problem.basis, changes: Vec::new() })
    }
}
