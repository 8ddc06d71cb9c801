//! What is fetched from elsewhere, the keys that an identity provider publishes; and what is sent there, traces.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ureq::Agent;
use ureq::http::{Request, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// A provider answers within this time, or not at all.
const WITHIN: Duration = Duration::from_secs(10);

/// What a URL holds, if that is no more than so many bytes. Whom to trust the system says, or the file named by `SSL_CERT_FILE`.
pub fn get(url: &str, most: u64) -> Result<Vec<u8>, String> {
    let mut answer = agent().get(url).call().map_err(|cause| cause.to_string())?;
    answer.body_mut().with_config().limit(most).read_to_vec().map_err(|cause| cause.to_string())
}

/// Sends a request; whatever its status, the answer, if it is there within a time and is no more than so many bytes.
pub fn send(request: Request<Vec<u8>>, within: Duration, most: u64) -> Result<Response<Vec<u8>>, String> {
    let request = agent().configure_request(request).http_status_as_error(false).timeout_global(Some(within)).build();
    let (head, mut body) = agent().run(request).map_err(|cause| cause.to_string())?.into_parts();
    let body = body.with_config().limit(most).read_to_vec().map_err(|cause| cause.to_string())?;
    Ok(Response::from_parts(head, body))
}

fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(make)
}

fn make() -> Agent {
    let trusted = rustls_native_certs::load_native_certs().certs;
    let trusted: Vec<Certificate<'static>> =
        trusted.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect();
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(trusted)))
        .build();
    // Keys are where they are said to be: who follows to elsewhere may end at plain http.
    Agent::config_builder().timeout_global(Some(WITHIN)).max_redirects(0).tls_config(tls).build().into()
}
