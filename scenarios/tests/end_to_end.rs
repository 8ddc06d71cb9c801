//! Hansom as users meet it: the real binary, its texts, its files, its exit codes.

mod bench;
mod compare;
mod counterfactual;
mod errors;
mod guests;
mod harness;
mod help;
mod history;
mod import;
mod log;
mod planner;
mod principals;
mod quarantine;
mod retention;
mod scenario;
mod serve;
mod simulate;
mod traces;
mod twice;
mod upgrade;
