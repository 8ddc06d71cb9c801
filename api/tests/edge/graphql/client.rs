//! Clients of GraphQL: one operation a request, and sockets.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};

use crate::served::Served;

/// An operation of `api/operations`.
macro_rules! operation {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/operations/", $name, ".graphql"))
    };
}
pub(crate) use operation;

impl Served {
    /// Sends an operation; returns its data.
    pub fn ask(&self, query: &str, variables: &Value) -> Value {
        let (status, answer) = self.operation(&json!({ "query": query, "variables": variables }));
        assert_eq!((status, answer.get("errors")), (200, None), "{answer}");
        answer["data"].clone()
    }

    /// Sends an order; returns what became of it.
    pub fn give(&self, query: &str, key: &str, input: &Value) -> Value {
        let data = self.ask(query, &json!({ "key": key, "input": input }));
        data.as_object().and_then(|data| data.values().next()).expect("one field").clone()
    }

    /// Sends a body to `/graphql`; returns the status and the answer.
    pub fn operation(&self, body: &Value) -> (u16, Value) {
        let (status, text) = self.post_as("application/json", "/graphql", body.to_string().as_bytes());
        (status, serde_json::from_str(&text).expect("JSON"))
    }

    /// Opens a socket, and introduces itself.
    pub fn socket(&self) -> Socket {
        let mut socket = self.strange_socket();
        socket.say(&json!({ "type": "connection_init" }));
        assert_eq!(socket.hear(), json!({ "type": "connection_ack" }));
        socket
    }

    /// Opens a socket, and says nothing.
    pub fn strange_socket(&self) -> Socket {
        let mut request = format!("ws://{}/graphql", self.address).into_client_request().expect("an address");
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().expect("a header"));
        let stream = TcpStream::connect(self.address).expect("it listens");
        let (socket, _) = tungstenite::client(request, stream).expect("a socket");
        Socket(socket)
    }
}

/// A socket of `graphql-transport-ws`.
pub struct Socket(WebSocket<TcpStream>);

impl Socket {
    pub fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).expect("it listens");
    }

    pub fn send(&mut self, message: Message) {
        self.0.send(message).expect("it listens");
    }

    pub fn subscribe(&mut self, id: &str, query: &str, variables: &Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.say(&json!({ "id": id, "type": "subscribe", "payload": payload }));
    }

    /// The next message.
    pub fn hear(&mut self) -> Value {
        loop {
            match self.0.read().expect("a message") {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Ping(_) => self.0.flush().expect("it listens"),
                other => panic!("{other}"),
            }
        }
    }

    /// The next event of the operation `id`, the only field of which it is.
    pub fn event(&mut self, id: &str) -> Value {
        let message = self.hear();
        assert_eq!((&message["id"], &message["type"]), (&json!(id), &json!("next")), "{message}");
        let data = message["payload"]["data"].as_object().expect("data");
        data.values().next().expect("one field").clone()
    }

    /// Events until one of this type.
    pub fn until(&mut self, id: &str, kind: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            events.push(self.event(id));
            if events.last().is_some_and(|event| event["__typename"] == kind) {
                return events;
            }
        }
    }

    /// The next message, unless none comes for a while.
    pub fn hear_within(&mut self, within: Duration) -> Option<Value> {
        self.0.get_ref().set_read_timeout(Some(within)).expect("a socket");
        match self.0.read() {
            Ok(Message::Text(text)) => Some(serde_json::from_str(&text).expect("JSON")),
            Ok(_) => None,
            Err(tungstenite::Error::Io(cause)) if cause.kind() == std::io::ErrorKind::WouldBlock => None,
            Err(cause) => panic!("{cause}"),
        }
    }

    /// With which code the server closes it, once all else was heard. One that it leaves open is not waited for.
    pub fn closed(&mut self) -> CloseCode {
        self.0.get_ref().set_read_timeout(Some(Duration::from_secs(12))).expect("a socket");
        loop {
            match self.0.read().expect("it is closed in good order") {
                Message::Close(Some(frame)) => return frame.code,
                Message::Close(None) => panic!("closed without a code"),
                _ => {}
            }
        }
    }
}
