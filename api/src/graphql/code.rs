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

/// The value of an argument is none that it takes.
pub fn bad_value(argument: &str, takes: &str, given: impl std::fmt::Display) -> Error {
    error(BAD_INPUT, format!("`{argument}` is {takes}, not `{given}`"))
}

/// A fault of the program, of which clients learn no more than that.
pub fn program_fault() -> Error {
    error(PROGRAM, "a fault of the program; it is in its log")
}

/// How the library's errors about the value of an argument begin, which they name.
const ARGUMENT: &str = "Invalid value for argument ";
/// How those begin that do not, of a value that it cannot read.
const UNREAD: [&str; 2] = ["Failed to parse \"", "Expected input type \""];
/// How the former end: with its type …
const EXPECTED: &str = "expected type \"";
/// … of which not everybody knows what it takes.
const TAKES: [(&str, &str); 5] = [
    ("Int", "a whole number"),
    ("Offset", "the number of a turn: 0, 1, 2, …"),
    ("Time", "an instant in RFC 3339, such as 2026-03-05T17:00:00Z"),
    ("Key", "a UUID, as text"),
    ("ID", "text, or a whole number"),
];

/// Gives those errors a code that have none. Whatever fails here says so itself; these are the library's, about what was sent.
pub fn labelled(mut response: Response) -> Response {
    if response.errors.iter().any(|error| error.message.starts_with(ARGUMENT)) {
        // What the argument would cost cannot be read either, and that error has no name.
        response.errors.retain(|error| !UNREAD.iter().any(|begin| error.message.starts_with(begin)));
    }
    for error in &mut response.errors {
        let code = code(error);
        if let Some(takes) = taken(&error.message) {
            error.message = format!("{}: {takes}", error.message);
        }
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
        (message, true) if message.starts_with(ARGUMENT) => BAD_INPUT,
        (_, true) => INVALID,
        // It came as far as a field, whose argument cannot be read.
        (_, false) => BAD_INPUT,
    }
}

/// What an argument takes, of whose value the library says no more than that it is of another type.
fn taken(message: &str) -> Option<&'static str> {
    let (_, expected) = message.strip_prefix(ARGUMENT)?.rsplit_once(EXPECTED)?;
    TAKES.iter().find(|(kind, _)| expected.strip_suffix('"') == Some(kind)).map(|(_, takes)| *takes)
}
