//! Arguments of `hansom serve` and `hansom token`.

#![expect(clippy::doc_markdown, reason = "these comments are the help texts, which show no backticks")]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use hansom_api::auth::{AUDIENCE, Rate};
use hansom_simulator::live::Misbehaviour;

use super::Changes;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["market", "scenario"])))]
pub struct Serve {
    /// The markets: files, or folders of files, of which each is opened when it comes, opened anew when it changes and closed
    /// when it goes, while the others serve
    #[arg(long, value_name = "FILE|DIR", num_args = 1..)]
    pub market: Vec<PathBuf>,
    /// The market of a scenario, and its city as clients, until every ride is over
    #[arg(long, value_name = "FILE", conflicts_with = "market")]
    pub scenario: Option<PathBuf>,
    /// How many times as fast as the clock on the wall the scenario's goes
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "market", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub speed: u32,
    /// What people and phones of the city do wrong, each with its chance: late-accept, double-accept, retry, two-devices, dark,
    /// no-show
    #[arg(long, value_name = "WHAT=CHANCE,…", conflicts_with = "market")]
    pub misbehave: Option<Misbehaviour>,
    #[command(flatten)]
    pub changes: Changes,
    /// Where the markets keep what they know, each in a folder of its name
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Where requests are taken. Port 0: a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub access: Access,
    #[command(flatten)]
    pub traces: Traces,
    /// The most commands that may wait for a market; more are told to come again
    #[arg(long, value_name = "N", default_value_t = 8192, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub mailbox: u32,
    /// How many minutes positions stay in a market's log; all else stays for ever. A log without them folds and explains, but
    /// cannot be decided again
    #[arg(long, value_name = "MIN", default_value_t = 1440, value_parser = clap::value_parser!(u32).range(1..=5_256_000))]
    pub keep_positions_min: u32,
    /// How the log of the program itself is printed, to stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// Where requests leave traces.
#[derive(Debug, Args)]
pub struct Traces {
    /// Requests leave traces at this collector, by OTLP over HTTP: http://localhost:4318; or set OTEL_EXPORTER_OTLP_ENDPOINT. Other
    /// variables of OpenTelemetry count, too
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    pub otlp_endpoint: Option<String>,
    /// The share of requests that are traced, from 0 to 1; one that comes with a traceparent is traced as that says [default:
    /// OTEL_TRACES_SAMPLER, or all]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub trace_share: Option<f64>,
}

/// Who may reach the routes, how often, and how.
#[derive(Debug, Args)]
pub struct Access {
    /// Let anybody on this machine do everything, without tokens. Only on a loopback address
    #[arg(long, conflicts_with_all = ["auth_secret_file", "auth_jwks"])]
    pub insecure_dev: bool,
    /// A file with the secret by which tokens are signed (HS256), 32 bytes or more; or set HANSOM_AUTH_SECRET
    #[arg(long, value_name = "FILE")]
    pub auth_secret_file: Option<PathBuf>,
    /// The public keys by which tokens are signed (RS256, PS256, ES256, ES384, EdDSA), as a JSON Web Key Set; read again when it
    /// changes
    #[arg(long, value_name = "FILE|URL")]
    pub auth_jwks: Option<String>,
    #[command(flatten)]
    pub token: TokenScope,
    /// How many requests and lines a second a rider or a driver may send, five seconds' worth at once
    #[arg(long, value_name = "N", default_value_t = Rate::PEOPLE.per_s, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// How many an operator or a service may send
    #[arg(long, value_name = "N", default_value_t = Rate::SERVICES.per_s, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub service_rate: u32,
    #[allow(rustdoc::bare_urls, reason = "it is read in a terminal")]
    /// A site whose pages may use the routes from a browser, such as https://app.example; may be given more than once
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub cors_origin: Vec<String>,
    /// The certificate for TLS: a file with the chain in PEM, the server's own first; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "scenario")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

/// Whom tokens are for and from.
#[derive(Debug, Args)]
pub struct TokenScope {
    /// The audience that tokens have to name (`aud`)
    #[arg(long = "auth-audience", value_name = "NAME", default_value = AUDIENCE)]
    pub audience: String,
    /// The issuer that tokens have to name (`iss`) [default: any]
    #[arg(long = "auth-issuer", value_name = "NAME")]
    pub issuer: Option<String>,
}

/// A scheme, a host and perhaps a port, as browsers send it.
fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |host: &&str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/*?#@,".contains(&byte))
    };
    match host.filter(plain) {
        Some(_) => Ok(text.to_ascii_lowercase()),
        None => Err("an origin is a scheme, a host and perhaps a port: https://app.example:8443".to_owned()),
    }
}

/// A URL of HTTP.
fn endpoint(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host.filter(|host| !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic())) {
        Some(_) => Ok(text.to_owned()),
        None => Err("an endpoint is a URL: http://localhost:4318".to_owned()),
    }
}

/// A part of all.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share is a number from 0 to 1".to_owned())
}

/// A token to be made.
#[derive(Debug, Args)]
pub struct Token {
    /// Whom it speaks for: a rider's or a driver's name in the markets
    pub name: String,
    /// What that one is; may be given more than once
    #[arg(long, value_enum, required = true)]
    pub role: Vec<TokenRole>,
    /// A market it has to do with; may be given more than once [default: all]
    #[arg(long, value_name = "NAME")]
    pub market: Vec<String>,
    /// For how many hours it is good
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub hours: u32,
    /// The file with the secret that the server was given; or set HANSOM_AUTH_SECRET
    #[arg(long = "auth-secret-file", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub scope: TokenScope,
}

/// What a token's bearer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TokenRole {
    /// Asks for rides and cancels them, in their own name
    Rider,
    /// Drives, in their own name
    Driver,
    /// Looks after the markets: reads all, and gives any order
    Operator,
    /// A program in between: gives orders for anybody, and reads all
    Service,
}

/// How the program's own log is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}
