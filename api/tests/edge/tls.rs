//! TLS, with a certificate that is replaced while connections come in.

use std::path::Path;
use std::sync::Arc;

use hansom_api::auth::{Gate, Role};
use hansom_api::{Certificate, Edge, ServeError, Server};
use hansom_dispatcher::Dispatcher;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use crate::served::{Served, edge, spec};
use crate::tokens::{bearer, gate};

const FIRST: [&str; 2] = [include_str!("pem/first.pem"), include_str!("pem/first.key.pem")];
const SECOND: [&str; 2] = [include_str!("pem/second.pem"), include_str!("pem/second.key.pem")];

/// Puts a certificate where the server looks for it.
fn put(data: &Path, [chain, key]: [&str; 2]) -> Certificate {
    for (name, text) in [("key.pem", key), ("chain.pem", chain)] {
        std::fs::write(data.join("next"), text).expect("room");
        std::fs::rename(data.join("next"), data.join(name)).expect("the same folder");
    }
    Certificate { chain: data.join("chain.pem"), key: data.join("key.pem") }
}

/// What a client gets that trusts this certificate alone.
fn get(town: &Served, trusted: &str, path: &str, token: &str) -> Result<u16, ureq::Error> {
    let trusted = ureq::tls::Certificate::from_pem(trusted.as_bytes()).expect("a certificate");
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&[trusted]))
        .build();
    let agent: Agent = Agent::config_builder().http_status_as_error(false).tls_config(tls).build().into();
    let url = format!("https://localhost:{}{path}", town.address.port());
    Ok(agent.get(url).header("authorization", token).call()?.status().as_u16())
}

#[test]
fn a_certificate_is_replaced_without_a_restart() {
    let data = tempfile::tempdir().expect("a folder");
    let certificate = Some(put(data.path(), FIRST));
    let town = Served::at(Edge { certificate, ..edge(gate()) }, vec![spec("town", data.path(), 64)]);
    let token = bearer("ops", &[Role::Operator], &[]);
    assert_eq!(get(&town, FIRST[0], "/metrics", &token).expect("it is trusted"), 200);
    assert_eq!(get(&town, FIRST[0], "/metrics", "").expect("it is trusted"), 401);
    assert!(get(&town, SECOND[0], "/metrics", &token).is_err());
    put(data.path(), SECOND);
    assert_eq!(get(&town, SECOND[0], "/metrics", &token).expect("it is trusted"), 200);
    assert!(get(&town, FIRST[0], "/metrics", &token).is_err());
    // What cannot be used changes nothing.
    put(data.path(), [FIRST[0], "no key"]);
    assert_eq!(get(&town, SECOND[0], "/metrics", &token).expect("it is trusted"), 200);
    // Whoever speaks without TLS is not understood.
    assert!(ureq::get(format!("http://localhost:{}/healthz", town.address.port())).call().is_err());
}

#[test]
fn files_that_are_no_certificate_are_explained() {
    let data = tempfile::tempdir().expect("a folder");
    let opened = |certificate: Certificate| {
        let edge = Edge { certificate: Some(certificate), ..edge(Gate::open()) };
        let system = actix_web::rt::System::new();
        let opened = system.block_on(async { Server::open(edge, Arc::new(Dispatcher::new()), Arc::default()) });
        match opened.map(|_| ()) {
            Err(ServeError::Certificate(why)) => why.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let good = put(data.path(), FIRST);
    let nowhere = data.path().join("nowhere.pem");
    assert!(opened(Certificate { chain: nowhere.clone(), ..good.clone() }).contains("nowhere.pem"));
    assert!(opened(Certificate { key: nowhere.clone(), ..good.clone() }).contains("its key in"));
    assert!(opened(put(data.path(), [FIRST[1], FIRST[1]])).contains("cannot be used"), "a key is no certificate");
    assert!(opened(put(data.path(), [FIRST[0], SECOND[1]])).contains("cannot be used"), "they do not belong together");
}
