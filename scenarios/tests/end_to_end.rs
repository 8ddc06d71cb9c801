//! Hansom as users meet it: the real binary, its texts, its files, its exit codes.

mod harness;
mod import;
mod scenario;
