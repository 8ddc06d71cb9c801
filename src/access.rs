//! Keys and tokens, as they are given: by file, or by environment, where no list of processes shows them; and where traces go, which
//! the environment may say, too.

use std::path::Path;

use hansom_api::auth::{Expected, Gate, Keys, Limits, Rate, Secret, Source};
use hansom_api::{Certificate, Collector, Edge, Origins, Patience};

use crate::cli::{Access, Serve, TokenScope, Traces};
use crate::error::Error;

const SECRET: &str = "HANSOM_AUTH_SECRET";
const TOKEN: &str = "HANSOM_TOKEN";

/// The secret by which tokens are signed, if there is one.
pub fn secret(file: Option<&Path>) -> Result<Option<Secret>, Error> {
    let given = given(file, SECRET)?;
    Ok(given.map(|bytes| Secret::of(&bytes)).transpose()?)
}

/// A token for a server, if there is one.
pub fn token(file: Option<&Path>) -> Result<Option<String>, Error> {
    let given = given(file, TOKEN)?;
    Ok(given.map(|bytes| String::from_utf8_lossy(bytes.trim_ascii()).into_owned()))
}

fn given(file: Option<&Path>, variable: &str) -> Result<Option<Vec<u8>>, Error> {
    match file {
        Some(file) => std::fs::read(file).map(Some).map_err(Error::reading(file)),
        None => {
            Ok(std::env::var_os(variable).map(std::ffi::OsString::into_encoded_bytes).filter(|text| !text.is_empty()))
        }
    }
}

/// Whom tokens are for and from.
pub fn expected(scope: &TokenScope) -> Expected {
    Expected { audience: scope.audience.clone(), issuer: scope.issuer.clone() }
}

/// Where requests are taken, and from whom.
pub fn edge(arguments: &Serve) -> Result<Edge, Error> {
    let Serve { listen, access, traces, .. } = arguments;
    let certificate = access.tls_cert.clone().zip(access.tls_key.clone());
    Ok(Edge {
        address: *listen,
        gate: gate(access)?,
        certificate: certificate.map(|(chain, key)| Certificate { chain, key }),
        origins: Origins(access.cors_origin.clone()),
        collector: collector(traces),
        patience: Patience::default(),
    })
}

/// Where traces go, if anywhere. What is typed counts more than the variables that OpenTelemetry has for all programs.
fn collector(traces: &Traces) -> Option<Collector> {
    let Traces { otlp_endpoint: endpoint, trace_share: share } = traces;
    let given = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let named = given("OTEL_EXPORTER_OTLP_ENDPOINT").or_else(|| given("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")).is_some();
    let says = |name, word: &str| given(name).is_some_and(|text| text.eq_ignore_ascii_case(word));
    let off = says("OTEL_SDK_DISABLED", "true") || says("OTEL_TRACES_EXPORTER", "none");
    (endpoint.is_some() || named && !off).then(|| Collector { endpoint: endpoint.clone(), share: *share })
}

fn gate(access: &Access) -> Result<Gate, Error> {
    if access.insecure_dev {
        return Ok(Gate::open());
    }
    let secret = secret(access.auth_secret_file.as_deref())?;
    let published = access.auth_jwks.as_deref().map(Source::of).transpose()?;
    if secret.is_none() && published.is_none() {
        return Err(Error::NobodyIn);
    }
    let keys = Keys::open(secret.as_ref(), published, expected(&access.token))?;
    Ok(Gate::of(keys, Limits::new(Rate::per_s(access.rate), Rate::per_s(access.service_rate))))
}
