//! One answer line for each line of a body, in order.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{FutureExt, stream};
use serde_json::{Value, json};

use crate::body::Body;
use crate::fault::LineFault;
use crate::stream::streaming;

/// At most so many lines of a request are under way at once.
const WINDOW: usize = 1024;

/// The lines of a body.
#[derive(Debug)]
pub struct Lines {
    body: Body,
    at: usize,
}

impl Lines {
    /// Those of `body`. The end of the last line may be missing.
    pub fn of(body: Body) -> Self {
        Self { body, at: 0 }
    }

    /// The next line, without its end.
    fn peek(&self) -> Option<Bytes> {
        let rest = self.body.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        Some(self.body.bytes.slice(self.at..self.at + end))
    }

    fn pass(&mut self, line: &Bytes) {
        self.at += line.len() + 1;
    }
}

/// The answer to a line, when it is there.
pub type Answer = Pin<Box<dyn Future<Output = String>>>;

/// What takes the lines of a request.
pub trait Taker: 'static {
    /// Takes a line. `None`: there is no room for it now; it is tried again once an answer of this request is there, so only
    /// if `others_wait` for theirs.
    fn take(&mut self, line: &Bytes, others_wait: bool) -> Option<Answer>;
}

/// Answers every line, as a body that is sent while it is made.
pub fn respond(request: &HttpRequest, lines: Lines, taker: impl Taker) -> HttpResponse {
    let under_way = VecDeque::new();
    let answers = stream::unfold((lines, taker, under_way), |(mut lines, mut taker, mut under_way)| async move {
        fill(&mut lines, &mut taker, &mut under_way);
        let mut text = under_way.pop_front()?.await;
        text.push('\n');
        // What else is there by now is sent with it.
        while text.len() < PIECE {
            fill(&mut lines, &mut taker, &mut under_way);
            let Some(answer) = under_way.front_mut().and_then(FutureExt::now_or_never) else { break };
            under_way.pop_front();
            text.push_str(&answer);
            text.push('\n');
        }
        Some((Ok::<_, Infallible>(Bytes::from(text)), (lines, taker, under_way)))
    });
    streaming(request, "application/x-ndjson", answers)
}

/// Takes as many lines as there is room for.
fn fill(lines: &mut Lines, taker: &mut impl Taker, under_way: &mut VecDeque<Answer>) {
    while under_way.len() < WINDOW
        && let Some(line) = lines.peek()
        && let Some(answer) = taker.take(&line, !under_way.is_empty())
    {
        under_way.push_back(answer);
        lines.pass(&line);
    }
}

/// Answers are sent in pieces of about this many bytes.
const PIECE: usize = 16 << 10;

/// The answer to a line that was taken.
pub fn taken(key: &str, offset: u64) -> String {
    json!({ "key": key, "offset": offset }).to_string()
}

/// The answer to a line that was not.
pub fn faulty(key: Option<&str>, fault: &LineFault) -> String {
    let mut error = json!({ "code": fault.code, "reason": fault.reason, "retryable": fault.retryable });
    if let Some(after) = fault.retry_after {
        error["retry_after_ms"] = Value::from(after.as_millis() as u64);
    }
    if let Some(offset) = fault.offset {
        error["offset"] = Value::from(offset);
    }
    match key {
        Some(key) => json!({ "key": key, "error": error }).to_string(),
        None => json!({ "error": error }).to_string(),
    }
}
