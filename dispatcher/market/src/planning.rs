//! Where the planner works: with the writer, or beside it in a thread of its own.

use crate::seam::clock::{Clock, Monotonic};
use hansom_engine::Offset;
use hansom_engine::assignment::NotOptimal;
use hansom_engine::planner::MatchingProblem;
use hansom_engine::planner::batch::BatchPlanner;
use hansom_engine::record::Proposal;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

/// Called when an answer is there.
pub type Told = Box<dyn Fn() + Send>;

/// The planner of a market.
pub(crate) enum Planning {
    /// In the writer's thread: an answer is there at once.
    Here(Box<BatchPlanner>),
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
    pub basis: Offset,
    pub proposal: Result<Proposal, NotOptimal>,
    /// How long the planner took.
    pub took_ns: u64,
}

/// The planner's thread is gone.
pub(crate) struct Gone;

impl Beside {
    pub fn start(mut planner: BatchPlanner, told: Told) -> Self {
        let (questions, asked) = sync_channel::<MatchingProblem<'static>>(1);
        // An answer to the question before may still lie there.
        let (answer, answers) = sync_channel(2);
        let thread = std::thread::spawn(move || {
            let clock = Monotonic::new();
            for question in asked {
                let began = clock.now_ns();
                let proposal = planner.propose(&question);
                let took_ns = clock.now_ns() - began;
                if answer.send(Answered { basis: question.basis, proposal, took_ns }).is_err() {
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
