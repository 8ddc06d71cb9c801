//! A program that is talked to by lines: over its standard input and output, or over a socket.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// A line of an answer is at most this long.
const LONGEST_LINE: u64 = 1 << 24;

/// How a program is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It is started: the program and its arguments. What it writes to its standard error goes to ours.
    Command(Vec<String>),
    /// It listens there: host and port.
    Address(String),
}

/// A program that was reached. It is left, and ended if it was started, when this is dropped.
#[derive(Debug)]
pub struct Peer {
    to: Sender<Vec<u8>>,
    from: Receiver<io::Result<Vec<u8>>>,
    hold: Hold,
}

#[derive(Debug)]
enum Hold {
    Child(Child),
    Socket(TcpStream),
}

impl Peer {
    /// Reaches a program; one that listens has `patience` to take the connection.
    pub fn reach(reach: &Reach, patience: Duration) -> io::Result<Self> {
        match reach {
            Reach::Command(words) => {
                let [program, arguments @ ..] = words.as_slice() else {
                    return Err(io::Error::new(ErrorKind::InvalidInput, "no program is named"));
                };
                let mut command = Command::new(program);
                let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
                let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
                    return Err(io::Error::other("the program has no input or output"));
                };
                Ok(Self::talk(input, output, Hold::Child(child)))
            }
            Reach::Address(address) => {
                let mut places = address.to_socket_addrs()?;
                let place = places.next().ok_or_else(|| io::Error::new(ErrorKind::NotFound, "no such host"))?;
                let socket = TcpStream::connect_timeout(&place, patience)?;
                socket.set_nodelay(true)?;
                let (input, output) = (socket.try_clone()?, socket.try_clone()?);
                Ok(Self::talk(input, output, Hold::Socket(socket)))
            }
        }
    }

    /// Lines go and come in threads of their own, so that a program that neither reads nor writes holds nobody up.
    fn talk(mut input: impl Write + Send + 'static, output: impl Read + Send + 'static, hold: Hold) -> Self {
        let (to, lines) = channel::<Vec<u8>>();
        let (heard, from) = channel();
        thread::spawn(move || {
            for line in lines {
                if input.write_all(&line).and_then(|()| input.flush()).is_err() {
                    // What it would have answered never comes, which is told by the other thread.
                    return;
                }
            }
        });
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let line = next_line(&mut output);
                let is_last = line.is_err();
                if heard.send(line).is_err() || is_last {
                    return;
                }
            }
        });
        Self { to, from, hold }
    }

    /// Sends a line, which ends with a line break, and waits for one, which comes without.
    pub fn ask(&mut self, line: Vec<u8>, patience: Duration) -> io::Result<Vec<u8>> {
        // If nobody takes it, nobody answers it.
        let _ = self.to.send(line);
        match self.from.recv_timeout(patience) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(ErrorKind::TimedOut.into()),
            Err(RecvTimeoutError::Disconnected) => Err(ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn next_line(output: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    match line.pop() {
        Some(b'\n') => Ok(line),
        Some(_) if line.len() as u64 + 1 == LONGEST_LINE => {
            Err(io::Error::new(ErrorKind::InvalidData, "the line is too long"))
        }
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        match &mut self.hold {
            // It may have ended by itself.
            Hold::Child(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Hold::Socket(socket) => {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }
}
