//! Codes of errors, by which a client's program tells them apart: whether it asked for what cannot be, or the server failed.

use async_graphql::{Error, ErrorExtensions, Response, ServerError};

/// A value is none that is allowed there.
pub const BAD_INPUT: &str = "BAD_USER_INPUT";
/// The operation is none of this schema, or too much: nothing was begun.
const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";
/// A query that was sent by its hash has to be sent whole.
const NOT_FOUND: &str = "PERSISTED_QUERY_NOT_FOUND";
/// The log cannot be read at present.
pub const LOG: &str = "LOG";
/// The program has a fault.
const PROGRAM: &str = "INTERNAL_SERVER_ERROR";

/// An error with a code of its own.
pub fn error(code: &'static str, reason: impl Into<String>) -> Error {
    Error::new(reason).extend_with(|_, extensions| extensions.set("code", code))
}

/// A fault of the program, of which clients learn no more than that.
pub fn program_fault() -> Error {
    error(PROGRAM, "a fault of the program; it is in its log")
}

/// Gives those errors a code that have none. Whatever fails here says so itself; these are the library's, about what was sent.
pub fn labelled(mut response: Response) -> Response {
    for error in &mut response.errors {
        let code = code(error);
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", code);
        }
    }
    response
}

fn code(error: &ServerError) -> &'static str {
    match (error.message.as_str(), error.path.is_empty()) {
        ("PersistedQueryNotFound", _) => NOT_FOUND,
        (_, true) => INVALID,
        // It came as far as a field, whose argument cannot be read.
        (_, false) => BAD_INPUT,
    }
}
