//! A client of a server on this machine, as far as this program needs one.
//!
//! In HTTP 1.0, in which an answer ends with its connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::error::Error;

/// A server answers within this time, or not at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server, and whom requests to it speak for.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Where it listens.
    pub address: SocketAddr,
    /// The token by which it knows us; `None`: it asks for none.
    pub token: Option<String>,
}

impl Peer {
    /// Sends lines and returns the answer lines.
    pub fn post(&self, path: &str, body: &[u8]) -> Result<Vec<Value>, Error> {
        let more = format!("Content-Type: application/x-ndjson\r\nContent-Length: {}\r\n", body.len());
        let mut stream = connect(self.address, PATIENCE).map_err(|source| self.failed(source))?;
        let sent = stream.write_all(self.head("POST", path, &more).as_bytes()).and_then(|()| stream.write_all(body));
        sent.map_err(|source| self.failed(source))?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(|source| self.failed(source))?;
        let answer = String::from_utf8_lossy(&answer);
        let first = answer.lines().next().unwrap_or_default();
        self.is_done(first)?;
        let (_, lines) = answer.split_once("\r\n\r\n").ok_or_else(|| self.other(first))?;
        lines.lines().map(|line| serde_json::from_str(line).map_err(|_| self.other(first))).collect()
    }

    /// Opens a stream of events; each item is the data of one. It ends with the connection.
    pub fn events(&self, path: &str) -> Result<impl Iterator<Item = io::Result<String>> + use<>, Error> {
        // More than a heartbeat.
        let mut stream = connect(self.address, 2 * PATIENCE).map_err(|source| self.failed(source))?;
        stream.write_all(self.head("GET", path, "").as_bytes()).map_err(|source| self.failed(source))?;
        let mut lines = BufReader::new(stream).lines();
        let status = lines.next().transpose().map_err(|source| self.failed(source))?.unwrap_or_default();
        self.is_done(&status)?;
        Ok(lines.filter_map(|line| match line {
            Ok(line) => line.strip_prefix("data: ").map(|data| Ok(data.to_owned())),
            Err(error) => Some(Err(error)),
        }))
    }

    fn head(&self, method: &str, path: &str, more: &str) -> String {
        let token = self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        format!("{method} {path} HTTP/1.0\r\nHost: {}\r\n{token}{more}\r\n", self.address)
    }

    fn is_done(&self, status: &str) -> Result<(), Error> {
        match status.split_whitespace().nth(1) {
            Some("200") => Ok(()),
            Some("401" | "403") => Err(Error::NotLetIn { server: self.address }),
            _ => Err(self.other(status)),
        }
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::NoServer { server: self.address, source }
    }

    /// Something else answers than this program.
    fn other(&self, line: &str) -> Error {
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        Error::OtherServer { server: self.address, answer: line.chars().map(printable).take(80).collect() }
    }
}

fn connect(server: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A name in the query of a URL.
pub fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
