//! Many who come at once.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use hansom_api::Server;
use hansom_api::auth::Gate;
use hansom_dispatcher::Dispatcher;

use crate::served::edge;

#[test]
fn a_crowd_finds_room_before_anybody_is_let_in() {
    actix_web::rt::System::new().block_on(async {
        // It takes nobody in before it is polled.
        let server =
            Server::open(edge(Gate::open()), Arc::new(Dispatcher::new()), Arc::default()).expect("a free port");
        // Who finds no room comes again after a second.
        let within = Duration::from_millis(900);
        let crowd = (0..2_000).map(|before| {
            TcpStream::connect_timeout(&server.address(), within).unwrap_or_else(|fault| {
                panic!("{before} found room, the next did not: {fault}; is net.core.somaxconn less?")
            })
        });
        assert_eq!(crowd.collect::<Vec<_>>().len(), 2_000);
    });
}
