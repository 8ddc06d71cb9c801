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

/// How the process is started.
pub enum Under<'a> {
    /// By itself.
    Nothing,
    /// A program that notes its system calls in a file.
    Trace(&'a Path),
    /// A limit for the size of its files, in bytes: writing beyond it fails as on a full disk.
    FileSize(u64),
}

impl Server {
    /// Serves the market `market.toml` in `folder`, which keeps what it knows in `data`; returns once it takes commands.
    pub fn start(folder: &Path, under: &Under<'_>) -> Self {
        let binary = env!("CARGO_BIN_EXE_hansom");
        let serve = "serve --market market.toml --data data --listen 127.0.0.1:0 --log-format json --insecure-dev";
        let mut command = match under {
            Under::Nothing => Command::new(binary),
            Under::Trace(file) => {
                let mut strace = Command::new("strace");
                let calls = "trace=openat,close,lseek,write,writev,sendto,sendmsg,fdatasync,fsync,rename";
                strace.args(["-f", "-qq", "-s", "20000", "-e", "signal=none", "-e", calls, "-o"]).arg(file).arg(binary);
                strace
            }
            Under::FileSize(bytes) => {
                let mut sh = Command::new("sh");
                // The signal that comes with it is ignored, so that writing is an error.
                sh.args(["-c", &format!("trap '' XFSZ; ulimit -S -f {}; exec {binary} \"$@\"", bytes / 512), "sh"]);
                sh
            }
        };
        command.args(serve.split_whitespace()).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!(
                "{} does not start: {error}; this test needs it (Debian: apt-get install strace)",
                command.get_program().display()
            )
        });
        let mut out = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut log = BufReader::new(child.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
        let listening = out.next().and_then(Result::ok).unwrap_or_else(|| {
            panic!("it does not listen: {}", log.by_ref().collect::<Vec<_>>().join("\n"));
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
        let pid = if let Under::Trace(_) = under { first_child(child.id()) } else { child.id() };
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

    /// Waits until it says something that `wanted` is true of.
    pub fn says(&self, wanted: impl Fn(&str) -> bool) -> Value {
        let within = Duration::from_secs(60);
        loop {
            let line = self.said.recv_timeout(within).expect("it says so within a minute");
            if wanted(line["fields"]["message"].as_str().unwrap_or_default()) {
                return line;
            }
        }
    }

    /// Lets its files grow as far as they may.
    pub fn make_room(&self) {
        let pid = Pid::from_raw(i32::try_from(self.pid).expect("a process number")).expect("it is not 0");
        let limit = Rlimit { current: None, maximum: None };
        prlimit(Some(pid), Resource::Fsize, limit).expect("the limit of a child can be lifted");
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
