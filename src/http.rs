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

/// Sends lines to a server and returns its answer lines.
pub fn post(server: SocketAddr, path: &str, body: &[u8]) -> Result<Vec<Value>, Error> {
    let failed = |source: io::Error| Error::NoServer { server, source };
    let head = format!(
        "POST {path} HTTP/1.0\r\nHost: {server}\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = connect(server, PATIENCE).map_err(failed)?;
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).map_err(failed)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(failed)?;
    let answer = String::from_utf8_lossy(&answer);
    let other = || other(server, answer.lines().next().unwrap_or_default());
    let (head, lines) = answer.split_once("\r\n\r\n").ok_or_else(other)?;
    if head.split_whitespace().nth(1) != Some("200") {
        return Err(other());
    }
    lines.lines().map(|line| serde_json::from_str(line).map_err(|_| other())).collect()
}

/// Opens a stream of events; each item is the data of one. It ends with the connection.
pub fn events(server: SocketAddr, path: &str) -> Result<impl Iterator<Item = io::Result<String>> + use<>, Error> {
    let failed = |source: io::Error| Error::NoServer { server, source };
    // More than a heartbeat.
    let mut stream = connect(server, 2 * PATIENCE).map_err(failed)?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {server}\r\n\r\n").as_bytes()).map_err(failed)?;
    let mut lines = BufReader::new(stream).lines();
    let status = lines.next().transpose().map_err(failed)?.unwrap_or_default();
    if status.split_whitespace().nth(1) != Some("200") {
        return Err(other(server, &status));
    }
    Ok(lines.filter_map(|line| match line {
        Ok(line) => line.strip_prefix("data: ").map(|data| Ok(data.to_owned())),
        Err(error) => Some(Err(error)),
    }))
}

fn connect(server: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Something else answers than this program.
fn other(server: SocketAddr, line: &str) -> Error {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    Error::OtherServer { server, answer: line.chars().map(printable).take(80).collect() }
}

/// A name in the query of a URL.
pub fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
