//! A server under test, and clients for it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::shell::{self, Failure, Result};

/// A folder with a market on the streets of a procedural city.
#[derive(Debug)]
pub struct Desk {
    pub folder: PathBuf,
    hansom: String,
    /// Street corners, as the fields `"lat":…,"lon":…` of JSON.
    pub corners: Vec<String>,
}

/// A process that serves it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

static KEYS: AtomicU64 = AtomicU64::new(0);

impl Desk {
    /// An empty folder with a market file.
    pub fn new(folder: PathBuf, hansom: &str, policy: &str) -> Result<Self> {
        // What an earlier run left.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| Failure(format!("{}: {error}", folder.display())))?;
        let market = format!("name = \"town\"\nnetwork = {{ file = \"town.net\" }}\npolicy = {policy}\n");
        shell::write(&folder.join("market.toml"), &market)?;
        let import = ["import", "synthetic", "river-town", "--out", "town.net", "--csv", "csv"];
        shell::output(shell::command(&folder, hansom, &import))?;
        let nodes = shell::read(&folder.join("csv/nodes.csv"))?;
        let mut lines = nodes.lines();
        let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let column = |name: &str| {
            let found = head.iter().position(|column| *column == name);
            found.ok_or_else(|| Failure(format!("nodes.csv has no column {name}")))
        };
        let (lat, lon) = (column("lat")?, column("lon")?);
        let corner = |line: &str| {
            let fields: Vec<&str> = line.split(',').collect();
            format!("\"lat\":{},\"lon\":{}", fields[lat], fields[lon])
        };
        let corners = lines.map(corner).collect();
        Ok(Self { folder, hansom: hansom.to_owned(), corners })
    }

    /// A place in the city, by any number.
    pub fn place(&self, number: u64) -> &str {
        // Far from each other for numbers that follow each other.
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        &self.corners[mixed as usize % self.corners.len()]
    }

    /// Starts the server; it may not take orders yet.
    pub fn serve(&self) -> Result<Server> {
        let log = fs::File::options().create(true).append(true).open(self.folder.join("server.log"));
        let log = log.map_err(|error| Failure(format!("server.log: {error}")))?;
        let mut command = Command::new(&self.hansom);
        let arguments =
            ["serve", "--market", "market.toml", "--data", "data", "--listen", "127.0.0.1:0", "--insecure-dev"];
        command.args(arguments).current_dir(&self.folder).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().map_err(|error| Failure(format!("{}: {error}", self.hansom)))?;
        let mut said = String::new();
        let read = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut said));
        let address = said.trim().strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        match (read, address) {
            (Some(Ok(_)), Some(address)) => Ok(Server { child, address }),
            _ => Err(Failure(format!("the server does not say where it listens, but {said:?}"))),
        }
    }

    /// What the server said of itself.
    pub fn said(&self) -> Result<String> {
        shell::read(&self.folder.join("server.log"))
    }
}

impl Server {
    /// Ends it as a loss of power would.
    pub fn kill(mut self) -> Result<()> {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        ended.map(drop).map_err(|error| Failure(format!("the server does not end: {error}")))
    }
}

/// The line of an order.
pub fn order(kind: &str, data: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let key = KEYS.fetch_add(1, Ordering::Relaxed);
    let id = format!("{:08x}-{:04x}-7000-8000-{key:012x}", now >> 16, now & 0xffff);
    let kind = format!("hansom.command.{kind}.v1");
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"/figures","type":"{kind}","data":{{{data}}}}}"#) + "\n"
}

/// The line of a position.
pub fn position(driver: u64, seq: u64, place: &str) -> String {
    let data = format!(r#""driver":"d{driver}","seq":{seq},"place":{{{place}}}"#);
    let kind = "hansom.location.v1";
    format!(r#"{{"specversion":"1.0","id":"{seq}","source":"/figures","type":"{kind}","data":{{{data}}}}}"#) + "\n"
}

/// Sends lines; the answer lines.
pub fn post(server: SocketAddr, path: &str, body: &str) -> std::io::Result<Vec<String>> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_nodelay(true)?;
    write!(stream, "POST {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    read(stream)
}

fn read(mut stream: TcpStream) -> std::io::Result<Vec<String>> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let lines = answer.split_once("\r\n\r\n").map_or("", |(_, lines)| lines);
    Ok(lines.lines().map(str::to_owned).collect())
}

/// A figure of the server.
pub fn metric(server: SocketAddr, name: &str) -> Result<f64> {
    let failed = |error| Failure(format!("the figures cannot be read: {error}"));
    let mut stream = TcpStream::connect(server).map_err(failed)?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").map_err(failed)?;
    let lines = read(stream).map_err(failed)?;
    let line = lines.iter().find(|line| line.starts_with(&format!("hansom_{name}{{")));
    let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    value.ok_or_else(|| Failure(format!("there is no figure {name}")))
}

/// Sends orders, many in a request, again until each has a turn. How many a rule forbade.
pub fn settle(server: SocketAddr, mut orders: Vec<String>) -> Result<usize> {
    let mut refused = 0;
    while !orders.is_empty() {
        let mut left = Vec::new();
        for some in orders.chunks(1000) {
            let answers = post(server, "/v1/commands", &some.concat()).unwrap_or_default();
            for (index, order) in some.iter().enumerate() {
                match answers.get(index) {
                    Some(answer) if answer.contains("\"offset\":") => {
                        refused += usize::from(answer.contains("\"error\""));
                    }
                    Some(answer) if answer.contains("\"retryable\":false") => return Err(Failure(answer.clone())),
                    _ => left.push(order.clone()),
                }
            }
        }
        orders = left;
    }
    Ok(refused)
}

/// The folder of a figure, in that for what is built.
pub fn folder(target: &Path, name: &str) -> PathBuf {
    target.join(format!("figures-{name}"))
}
