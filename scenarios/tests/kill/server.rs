//! A process that serves, until it is killed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;

/// The market that is served.
pub const MARKET: &str = r#"name = "town"
network = { synthetic = "small-town" }
policy = { kind = "batch", batch_window_s = 1 }
"#;

/// A process that serves the market in a folder.
pub struct Server {
    child: Child,
    /// Of the server itself, which may be a child of what was started.
    pid: u32,
    pub address: SocketAddr,
    /// From its start until it took commands.
    pub opened: Duration,
    /// What it tells from then on.
    said: Receiver<Value>,
}

impl Server {
    /// Serves the market `market.toml` in `folder`, which keeps what it knows in `data`; returns once it takes commands. Its system
    /// calls are noted in the file `trace`, if there is one.
    pub fn start(folder: &Path, trace: Option<&Path>) -> Self {
        let serve = "serve --market market.toml --data data --listen 127.0.0.1:0 --log-format json --insecure-dev";
        // Where its files may not grow any more, the signal that comes with it is ignored: writing is an error.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
        if let Some(file) = trace {
            let calls = "trace=openat,close,lseek,write,writev,sendto,sendmsg,ftruncate,fdatasync,fsync,rename";
            command.args(["strace", "-f", "-qq", "-s", "1000000", "-e", "signal=none", "-e", calls, "-o"]).arg(file);
        }
        command.arg(env!("CARGO_BIN_EXE_hansom")).args(serve.split_whitespace()).current_dir(folder);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn().expect("there is a shell");
        let mut out = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut log = BufReader::new(child.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
        let listening = out.next().and_then(Result::ok).unwrap_or_else(|| {
            let said = log.by_ref().collect::<Vec<_>>().join("\n");
            panic!("it does not listen: {said} (this test needs strace; Debian: apt-get install strace)");
        });
        let address = listening.trim_start_matches("listening on http://").parse().expect("an address");
        let is_ready = log.by_ref().any(|line| {
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            line["fields"]["message"] == "ready"
        });
        assert!(is_ready, "it ended before it was ready");
        let opened = began.elapsed();
        let (tell, said) = channel();
        std::thread::spawn(move || {
            for line in log {
                // It is read to the end in any case, so that the process never waits for a reader.
                let _ = tell.send(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        let pid = if trace.is_some() { first_child(child.id()) } else { child.id() };
        Self { child, pid, address, opened, said }
    }

    /// Kills it as a loss of power would: it learns nothing of it. Returns once it is gone.
    pub fn kill(mut self) {
        signal("-KILL", self.pid);
        let _ = self.child.wait().expect("it ends");
    }

    /// Ends it in good order.
    pub fn stop(mut self) {
        signal("-TERM", self.pid);
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0), "it ends in good order");
    }

    /// What it says within a time that starts so.
    pub fn says(&self, wanted: &str, within: Duration) -> Option<Value> {
        let end = Instant::now() + within;
        loop {
            let line = self.said.recv_timeout(end.saturating_duration_since(Instant::now())).ok()?;
            if line["fields"]["message"].as_str().unwrap_or_default().starts_with(wanted) {
                return Some(line);
            }
        }
    }

    /// How far its files may grow, in bytes; `None`: as far as they like.
    pub fn limit_files(&self, most: Option<u64>) {
        let pid = Pid::from_raw(i32::try_from(self.pid).expect("a process number")).expect("it is not 0");
        let limit = Rlimit { current: most, maximum: None };
        prlimit(Some(pid), Resource::Fsize, limit).expect("the limit of a child can be set");
    }
}

fn signal(signal: &str, pid: u32) {
    let sent = Command::new("kill").args([signal, &pid.to_string()]).status().expect("there is `kill`");
    assert!(sent.success(), "kill {signal} {pid}");
}

fn first_child(of: u32) -> u32 {
    let path = PathBuf::from(format!("/proc/{of}/task/{of}/children"));
    let children = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    children.split_whitespace().next().and_then(|pid| pid.parse().ok()).expect("it has a child")
}
