//! Where the planner works: with the writer, or beside it in a thread of its own; and whose it is: the product's own, or a
//! program of somebody else's.

mod external;
mod wire;

use crate::seam::clock::{Clock, Monotonic};
use hansom_engine::assignment::NotOptimal;
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::planner::{MatchingProblem, OpenRide};
use hansom_engine::record::Proposal;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

pub use external::{External, Fault, Miss, Missed, Outlying};
pub use wire::{WrongAnswer, answer};

/// Answers matching problems.
pub trait Plan: Send {
    /// Who shall serve whom, or that the answer does not prove to be the best.
    fn answer(&mut self, problem: &MatchingProblem<'_>) -> Result<Proposal, NotOptimal>;

    /// The same, with what the planner fails on left open.
    fn answer_sound(&mut self, problem: &MatchingProblem<'_>) -> Proposal {
        self.answer(problem).unwrap_or(Proposal { basis: problem.basis, changes: Vec::new() })
    }
}

impl Plan for BatchPlanner {
    fn answer(&mut self, problem: &MatchingProblem<'_>) -> Result<Proposal, NotOptimal> {
        self.propose(problem)
    }

    fn answer_sound(&mut self, problem: &MatchingProblem<'_>) -> Proposal {
        propose(self, problem)
    }
}

/// Called when an answer is there.
pub type Told = Box<dyn Fn() + Send>;

/// The planner of a market.
pub(crate) enum Planning {
    /// In the writer's thread: an answer is there at once.
    Here(Box<dyn Plan>),
    /// In a thread of its own.
    Beside(Beside),
}

/// A planner's thread. It has one question at a time; the market asks no second one before it has the answer, or has waited
/// for it long enough.
pub(crate) struct Beside {
    /// `None` once it is to end.
    questions: Option<SyncSender<MatchingProblem<'static>>>,
    answers: Receiver<Answered>,
    thread: Option<JoinHandle<()>>,
}

/// What came of a question.
pub(crate) struct Answered {
    pub proposal: Proposal,
    /// How long the planner took.
    pub took_ns: u64,
}

/// The planner's thread is gone.
pub(crate) struct Gone;

impl Beside {
    pub fn start(mut planner: Box<dyn Plan>, told: Told) -> Self {
        let (questions, asked) = sync_channel::<MatchingProblem<'static>>(1);
        // An answer to the question before may still lie there.
        let (answer, answers) = sync_channel(2);
        let thread = std::thread::spawn(move || {
            let clock = Monotonic::new();
            for question in asked {
                let began = clock.now_ns();
                let proposal = planner.answer_sound(&question);
                let took_ns = clock.now_ns() - began;
                if answer.send(Answered { proposal, took_ns }).is_err() {
                    return;
                }
                told();
            }
        });
        Self { questions: Some(questions), answers, thread: Some(thread) }
    }

    /// Asks. A planner that is still at the question before does not get it: the market asks again later.
    pub fn ask(&self, question: MatchingProblem<'static>) {
        if let Some(questions) = &self.questions {
            // If the thread is gone, the answers say so.
            let _ = questions.try_send(question);
        }
    }

    /// The next answer, if there is one.
    pub fn answer(&self) -> Result<Option<Answered>, Gone> {
        match self.answers.try_recv() {
            Ok(answered) => Ok(Some(answered)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Gone),
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.questions = None;
        if let Some(thread) = self.thread.take() {
            // A planner that panicked has said so, and nobody needs it any more.
            let _ = thread.join();
        }
    }
}

/// Answers a question, if need be without the rides on which the planner fails or does not prove its answer: these wait, and
/// hold up nobody else.
pub(crate) fn propose(planner: &mut BatchPlanner, question: &MatchingProblem<'_>) -> Proposal {
    if let Some(proposal) = attempt(planner, question) {
        return proposal;
    }
    let mut sound = Vec::new();
    find_sound(planner, question, &question.rides, &mut sound);
    attempt(planner, &part(question, &sound)).unwrap_or(Proposal { basis: question.basis, changes: Vec::new() })
}

/// Adds those of `rides` to `sound` on which the planner does not fail, half by half.
fn find_sound(
    planner: &mut BatchPlanner,
    question: &MatchingProblem<'_>,
    rides: &[OpenRide],
    sound: &mut Vec<OpenRide>,
) {
    if attempt(planner, &part(question, rides)).is_some() {
        sound.extend_from_slice(rides);
    } else if rides.len() > 1 {
        let (first, second) = rides.split_at(rides.len() / 2);
        find_sound(planner, question, first, sound);
        find_sound(planner, question, second, sound);
    }
}

/// The same question about these rides only.
fn part<'q>(question: &'q MatchingProblem<'_>, rides: &[OpenRide]) -> MatchingProblem<'q> {
    MatchingProblem {
        basis: question.basis,
        at: question.at,
        weights: question.weights,
        settings: question.settings.clone(),
        rides: rides.to_vec(),
        free: Cow::Borrowed(&question.free),
        ending: Cow::Borrowed(&question.ending),
    }
}

/// `None`: the planner panicked, which says what is wrong, or its answer does not prove to be the best.
fn attempt(planner: &mut BatchPlanner, question: &MatchingProblem<'_>) -> Option<Proposal> {
    let answered = catch_unwind(AssertUnwindSafe(|| planner.propose(question)));
    let proposal = answered.ok().and_then(Result::ok);
    if proposal.is_none() {
        planner.clear();
    }
    proposal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streets::Streets;
    use hansom_engine::domain::{Policy, Settings};
    use hansom_engine::planner::problem;
    use hansom_engine::record::{RequestRide, StartShift};
    use hansom_engine::{Command, Name, Offset, Stamp, State, steps};
    use hansom_geo_index::network::sample;
    use hansom_geo_index::{EdgeId, Millis, NodeId, Position};
    use std::sync::Arc;

    /// Three rides and three vehicles.
    fn asked(streets: &Streets) -> MatchingProblem<'static> {
        let (network, mut desk) = (&streets.network, streets.desk());
        let mut state = State::new(Settings { policy: Policy::default(), ..Settings::default() }, network, Millis(0));
        let commands = (0..3).flat_map(|number| {
            let place = network.node_coord(NodeId(number));
            let shift = StartShift {
                driver: Name(format!("d{number}").into()),
                place,
                seats: 4,
                class: 0,
                autonomous: false,
                until: None,
                home: None,
                rating: 480,
            };
            let request = RequestRide {
                rider: Name(format!("r{number}").into()),
                pickup: place,
                dropoff: network.node_coord(NodeId(20)),
                seats: 1,
                class: 0,
                tier: 0,
                blocked: [].into(),
            };
            [Command::StartShift(Box::new(shift)), Command::RequestRide(Box::new(request))]
        });
        for (offset, command) in (0..).zip(commands) {
            let stamp = Stamp { at: Millis(10), offset: Offset(offset) };
            steps::turn(&mut desk, &mut state, stamp, None, command, Vec::new());
        }
        problem(&state, Offset(6), Millis(20)).into_owned()
    }

    #[test]
    fn a_ride_on_which_the_planner_fails_holds_up_nobody_else() {
        let streets = Streets::new(Arc::new(sample::grid(5, 5, 100_000, 10_000)));
        let mut planner = streets.planner();
        let mut question = asked(&streets);
        let wanted = propose(&mut planner, &question);
        assert_eq!(wanted.changes.len(), 3);
        for place in 0..=question.rides.len() {
            let nowhere = Position { edge: EdgeId(u32::MAX), along: 0 };
            let absurd = OpenRide { pickup: nowhere, ..question.rides[0].clone() };
            question.rides.insert(place, absurd);
            assert!(attempt(&mut planner, &question).is_none(), "the planner fails on it");
            assert_eq!(propose(&mut planner, &question), wanted);
            question.rides.remove(place);
        }
    }
}
