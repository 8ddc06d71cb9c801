//! Markets served on a free port, and what talks to them: the real server on real sockets.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use hansom_api::auth::Gate;
use hansom_api::read::ReadModels;
use hansom_api::{Edge, Origins, Patience, Server};
use hansom_dispatcher::{Dispatcher, Spec};
use hansom_engine::domain::{Planner, Policy, Settings};
use hansom_engine::record::Header;
use hansom_geo_index::Millis;
use hansom_geo_index::network::sample;
use hansom_market::Streets;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// A process with markets, as far as its clients can tell.
pub struct Served {
    pub address: SocketAddr,
    models: Arc<ReadModels>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a market is opened with: a chessboard of 21 × 21 crossings, 100 m and 10 s apart.
pub fn spec(name: &str, data: &Path, capacity: usize) -> Spec {
    let streets = Streets::new(Arc::new(sample::grid(21, 21, 100_000, 10_000)));
    let policy = Policy { planner: Planner::Nearest, ..Policy::default() };
    let header = Header::new(name, &streets.network, Settings { policy, ..Settings::default() }, Millis(0));
    Spec { capacity, ..Spec::new(header, streets, data) }
}

impl Served {
    /// Serves these markets to anybody; returns once they take commands.
    pub fn start(markets: Vec<Spec>) -> Self {
        Self::at(edge(Gate::open()), markets)
    }

    /// Serves these markets at an edge.
    pub fn at(edge: Edge, markets: Vec<Spec>) -> Self {
        let (told, address) = channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let models = Arc::new(ReadModels::default());
        let kept = models.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let dispatcher = Arc::new(Dispatcher::new());
                let server = Server::open(edge, dispatcher.clone(), models.clone()).expect("a free port");
                let (address, handle) = (server.address(), server.handle());
                let serving = actix_web::rt::spawn(server.serve());
                for spec in markets {
                    let market = dispatcher.open(spec.clone()).expect("a name of its own");
                    models.follow(market.clone(), spec);
                    let standing = market.ready().await;
                    assert!(standing.is_serving(), "{standing}");
                }
                told.send(address).expect("the test waits");
                let _ = stopped.await;
                dispatcher.close_all().await.expect("logs are closed");
                models.close();
                handle.stop(true).await;
                serving.await.expect("no panic").expect("it serves to its end");
            });
        });
        let address = address.recv().expect("it starts");
        Self { address, models: kept, stop: Some(stop), thread: Some(thread) }
    }

    /// One market, `town`.
    pub fn town(data: &Path) -> Self {
        Self::start(vec![spec("town", data, 1024)])
    }

    /// Ends it in good order.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }

    /// One market, `town`, for those whom a gate lets in.
    pub fn behind(gate: Gate, data: &Path) -> Self {
        Self::at(edge(gate), vec![spec("town", data, 1024)])
    }

    /// A request with these headers: the status, a header of the answer, and its body.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = match method {
            "POST" => agent().run(request.body(body.to_owned()).expect("a request")),
            _ => agent().run(request.body(()).expect("a request")),
        };
        let mut response = sent.expect("an answer");
        let headers = response.headers().clone();
        let text = if headers.get("content-type").is_some_and(|kind| kind == "text/event-stream") {
            // It has no end: that it begins is the answer.
            String::new()
        } else {
            response.body_mut().read_to_string().expect("text")
        };
        Reply { status: response.status().as_u16(), headers, text }
    }

    /// What a stream says, line by line, to whoever has this token.
    pub fn stream(&self, path: &str, token: &str) -> impl BufRead + use<> {
        let request = agent().get(format!("http://{}{path}", self.address)).header("authorization", token);
        BufReader::new(request.call().expect("a stream").into_body().into_reader())
    }

    /// Posts a body; returns the status and the body of the answer.
    pub fn post(&self, path: &str, encoding: Option<&str>, body: &[u8]) -> (u16, String) {
        let mut request = agent().post(format!("http://{}{path}", self.address));
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        let mut response = request.send(body).expect("an answer");
        (response.status().as_u16(), response.body_mut().read_to_string().expect("text"))
    }

    /// Posts a body of this type; returns the status and the body of the answer.
    pub fn post_as(&self, content_type: &str, path: &str, body: &[u8]) -> (u16, String) {
        let request = agent().post(format!("http://{}{path}", self.address)).header("content-type", content_type);
        let mut response = request.send(body).expect("an answer");
        (response.status().as_u16(), response.body_mut().read_to_string().expect("text"))
    }

    /// Asks by GraphQL; returns the status and the body of the answer.
    pub fn graphql(&self, body: &str) -> (u16, String) {
        self.post_as("application/json", "/graphql", body.as_bytes())
    }

    /// How often the history of a market was looked into.
    pub fn looks(&self, market: &str) -> u64 {
        let reading = self.models.of(market).expect("it is open");
        let history = actix_web::rt::System::new().block_on(reading.history(None)).expect("it is current");
        history.looks()
    }

    /// Posts lines; returns the answer lines.
    pub fn lines(&self, path: &str, lines: &[String]) -> Vec<Value> {
        let (status, text) = self.post(path, None, lines.join("\n").as_bytes());
        assert_eq!(status, 200, "{text}");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Sends a head as it is; returns the first line of the answer.
    pub fn first_line(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("it answers");
        line
    }

    /// Gets a page.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut response = agent().get(format!("http://{}{path}", self.address)).call().expect("an answer");
        (response.status().as_u16(), response.body_mut().read_to_string().expect("text"))
    }

    /// Reads the stream of events: pairs of id and event.
    pub fn events(&self, query: &str, last: Option<u64>) -> Receiver<(u64, Value)> {
        let mut request = agent().get(format!("http://{}/v1/events{query}", self.address));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let response = request.call().expect("a stream");
        assert_eq!(response.status().as_u16(), 200);
        let (heard, events) = channel();
        std::thread::spawn(move || {
            let mut id = 0;
            for line in BufReader::new(response.into_body().into_reader()).lines().map_while(Result::ok) {
                if let Some(given) = line.strip_prefix("id: ") {
                    id = given.parse().expect("an offset");
                } else if let Some(data) = line.strip_prefix("data: ")
                    && heard.send((id, serde_json::from_str(data).expect("JSON"))).is_err()
                {
                    return;
                }
            }
        });
        events
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Reply {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The lines of the body, or the one object that it is.
    pub fn json(&self) -> Vec<Value> {
        self.text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{self:?}"))).collect()
    }
}

/// A free port on this machine, in plain HTTP.
pub fn edge(gate: Gate) -> Edge {
    let address = ([127, 0, 0, 1], 0).into();
    Edge {
        address,
        gate,
        certificate: None,
        origins: Origins::default(),
        collector: None,
        patience: Patience::default(),
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

/// A line with an order. `key` makes it unique.
pub fn order(key: u64, kind: &str, data: &Value) -> String {
    json!({
        "specversion": "1.0",
        "id": uuid(key),
        "source": "/test",
        "type": format!("hansom.command.{kind}.v1"),
        "data": data,
    })
    .to_string()
}

/// A UUID of version 7, of now.
pub fn uuid(key: u64) -> String {
    format!("{:08x}-{:04x}-7000-8000-{key:012x}", now_ms() >> 16, now_ms() & 0xffff)
}

/// One time for the whole test, so that a repeated order is the same.
fn now_ms() -> u64 {
    use std::sync::OnceLock;
    use std::time::{SystemTime, UNIX_EPOCH};
    static NOW: OnceLock<u64> = OnceLock::new();
    *NOW.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64)
}

/// A crossing of the chessboard.
pub fn corner(x: u32, y: u32) -> Value {
    let network = sample::grid(21, 21, 100_000, 10_000);
    let node = hansom_geo_index::NodeId(y * 21 + x);
    let coord = network.node_coord(node);
    json!({ "lat": f64::from(coord.lat) / 1e7, "lon": f64::from(coord.lon) / 1e7 })
}

/// A driver goes on shift at a crossing.
pub fn start_shift(key: u64, driver: &str, x: u32, y: u32) -> String {
    order(key, "start_shift", &json!({ "driver": driver, "place": corner(x, y) }))
}

/// A rider asks for a ride between two crossings.
pub fn request_ride(key: u64, rider: &str, from: (u32, u32), to: (u32, u32)) -> String {
    let (pickup, dropoff) = (corner(from.0, from.1), corner(to.0, to.1));
    order(key, "request_ride", &json!({ "rider": rider, "pickup": pickup, "dropoff": dropoff }))
}
