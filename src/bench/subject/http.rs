//! A connection that is kept: one request after another, in HTTP/1.1.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::http::Peer;

/// Beyond the time in which a server answers or says that it does not.
const PATIENCE: Duration = Duration::from_secs(15);
/// A server lets go of a connection that rests for some seconds; it is opened anew before that.
const REST: Duration = Duration::from_secs(3);
/// No answer is longer.
const MOST_BYTES: usize = 64 << 20;

/// A connection to a server, opened when it is needed.
pub struct Line {
    server: Peer,
    open: Option<(BufReader<TcpStream>, Instant)>,
    out: Vec<u8>,
}

impl Line {
    /// Not opened yet.
    pub fn new(server: Peer) -> Self {
        Self { server, open: None, out: Vec::new() }
    }

    /// Sends a request; the status and the body of its answer. Where the connection fails the request may have had its effect.
    pub fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        let rested = self.open.take_if(|(_, since)| since.elapsed() > REST);
        drop(rested);
        let mut stream = match self.open.take() {
            Some((stream, _)) => stream,
            None => self.connect()?,
        };
        self.out.clear();
        let token = self.server.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n"));
        write!(
            self.out,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{}Content-Length: {}\r\n\r\n",
            self.server.address,
            token.unwrap_or_default(),
            body.len()
        )?;
        self.out.extend_from_slice(body);
        stream.get_mut().write_all(&self.out)?;
        let (status, length) = head(&mut stream)?;
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer)?;
        self.open = Some((stream, Instant::now()));
        Ok((status, answer))
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.server.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }
}

/// The status, and how long the body is.
fn head(stream: &mut impl BufRead) -> io::Result<(u16, usize)> {
    let other = || io::Error::new(ErrorKind::InvalidData, "an answer that is not understood");
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(other)?;
    let mut length = None;
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        }
    }
    length.filter(|length| *length <= MOST_BYTES).map(|length| (status, length)).ok_or_else(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_long_the_body_is() {
        let read = |text: &str| head(&mut text.as_bytes());
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 12\r\ndate: now\r\n\r\n{";
        assert_eq!(read(answer).expect("it is well-formed"), (200, 12));
        assert!(read("HTTP/1.1 200 OK\r\ndate: now\r\n\r\n").is_err(), "nobody knows where it ends");
        assert!(read("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n").is_err(), "it is cut off");
        assert!(read("SSH-2.0-OpenSSH\r\n").is_err());
    }
}
