//! One target under fuzzing: inputs that have run new code are kept and changed further.

use crate::coverage::Coverage;
use crate::memory;
use crate::mutate::{Draws, mutate};
use crate::targets::Target;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// A decoder that takes longer hangs, as far as a sender can tell. Inputs are short.
pub const MOST_TIME: Duration = Duration::from_secs(2);
/// A decoder that asks for more at once believes a length. Inputs are short.
pub const MOST_MEMORY: usize = 64 << 20;

/// What an input has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The input.
    pub input: Vec<u8>,
    /// What went wrong.
    pub what: String,
}

/// What a session came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Inputs tried.
    pub inputs: u64,
    /// Of them taken as records.
    pub taken: u64,
    /// Inputs kept because they ran new code.
    pub kept: usize,
    /// Classes of counts met; 0 where the program is built without counters.
    pub classes: usize,
}

/// A target with the inputs that are worth changing.
#[derive(Debug)]
pub struct Session<'t> {
    target: &'t Target,
    inputs: Vec<Vec<u8>>,
    /// Those of the inputs that were taken as records.
    sound: Vec<usize>,
    coverage: Coverage,
    draws: Draws,
    figures: Figures,
}

impl<'t> Session<'t> {
    /// Starts from the target's seeds.
    pub fn new(target: &'t Target, seed: u64) -> Self {
        Self {
            target,
            inputs: Vec::new(),
            sound: Vec::new(),
            coverage: Coverage::default(),
            draws: Draws(seed),
            figures: Figures::default(),
        }
    }

    /// Tries an input as it is, and keeps it.
    pub fn add(&mut self, input: Vec<u8>) -> Result<(), Finding> {
        let taken = self.attempt(&input)?;
        self.coverage.is_new();
        self.keep(input, taken);
        Ok(())
    }

    fn keep(&mut self, input: Vec<u8>, taken: bool) {
        if taken {
            self.sound.push(self.inputs.len());
        }
        self.inputs.push(input);
    }

    /// Tries one changed input.
    pub fn step(&mut self) -> Result<(), Finding> {
        // Every other time a record, or else the many ways to be none would crowd them out; and late finds more often than
        // early ones: they are what is new.
        let pick = if self.draws.below(2) == 0 && !self.sound.is_empty() {
            self.sound[self.draws.below(self.sound.len())]
        } else {
            self.draws.below(self.inputs.len()).max(self.draws.below(self.inputs.len()))
        };
        let mut input = self.inputs.get(pick).cloned().unwrap_or_default();
        let other = self.inputs.get(self.draws.below(self.inputs.len())).map_or(&[][..], Vec::as_slice);
        mutate(&mut self.draws, &mut input, other, self.target.words, self.target.most_bytes);
        if self.draws.below(4) > 0 {
            (self.target.mend)(&mut input);
        }
        let taken = self.attempt(&input)?;
        if self.coverage.is_new() {
            self.keep(input, taken);
        }
        Ok(())
    }

    /// Whether it was taken as a record.
    fn attempt(&mut self, input: &[u8]) -> Result<bool, Finding> {
        let finding = |what: String| Finding { input: input.to_vec(), what };
        memory::most_at_once();
        Coverage::start();
        let began = Instant::now();
        let taken = catch_unwind(AssertUnwindSafe(|| self.target.attempt(input)));
        let (took, memory) = (began.elapsed(), memory::most_at_once());
        self.figures.inputs += 1;
        let taken = taken.map_err(|panic| finding(format!("it panicked: {}", reason(&*panic))))?;
        self.figures.taken += u64::from(taken);
        if took > MOST_TIME {
            return Err(finding(format!("it took {} ms", took.as_millis())));
        }
        if memory > MOST_MEMORY {
            return Err(finding(format!("it asked for {memory} bytes at once")));
        }
        Ok(taken)
    }

    /// What it came to so far.
    pub fn figures(&self) -> Figures {
        Figures { kept: self.inputs.len(), classes: self.coverage.classes(), ..self.figures }
    }
}

fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".to_owned())
}
