//! Every key of a scenario: its name, its form, its bounds. One walk over them, used to read and to show.

use hansom_geo_index::Millis;

use super::form::{
    Choice, Currency, Degrees, Flag, Form, Instant, Maybe, Metres, Milliseconds, Name, Names, Number, Numbers, Path,
    Seconds, Spread, Whole, Words, Zone,
};
use super::model::{
    Constants, Demand, DemandModel, Driver, ExternalPlanner, Fleet, Idle, Incident, Keep, Period, Pings, Place, Policy,
    PolicyKind, Reanchor, Rider, Scenario, Silence, StreetSource, Streets, Supply, Tariff, TrafficKeys, Unserved,
    Weights,
};
use super::timezone::Timezone;

/// What walks over the keys: a reader overwrites the values, a writer prints them.
pub(super) trait Keys: Sized {
    /// A key that has a default: the value it meets.
    fn key<F: Form>(&mut self, name: &'static str, value: &mut F::Value, form: &F);

    /// A key that must be given, like `example`.
    fn need<F: Form>(&mut self, name: &'static str, value: &mut F::Value, form: &F, example: &'static str);

    /// A table of keys. A writer needs the plain keys of a table before its tables.
    fn section(&mut self, name: &'static str, inner: impl FnOnce(&mut Self));

    /// A list of tables.
    fn list<T: Default>(&mut self, name: &'static str, items: &mut Vec<T>, inner: impl Fn(&mut Self, &mut T));
}

const DAY_S: i64 = 86_400;
const YEAR_S: i64 = 366 * DAY_S;
const PERIOD: &str = "period = { start = \"2026-03-05T17:00:00+01:00\", end = \"2026-03-05T21:00:00+01:00\" }";

/// All keys.
pub(super) fn scenario(keys: &mut impl Keys, s: &mut Scenario) {
    let zone = s.timezone.clone();
    keys.key("name", &mut s.name, &Name);
    keys.key("seed", &mut s.seed, &Whole::of(0..=i64::MAX));
    keys.key("timezone", &mut s.timezone, &Zone);
    limits(keys, s);
    keys.section("period", |keys| period(keys, &mut s.period, &zone));
    keys.section("network", |keys| network(keys, &mut s.network));
    keys.section("demand", |keys| demand(keys, &mut s.demand));
    keys.section("supply", |keys| supply(keys, &mut s.supply, &zone));
    keys.section("driver", |keys| driver(keys, &mut s.driver));
    keys.section("rider", |keys| rider(keys, &mut s.rider));
    keys.section("reanchor_m", |keys| reanchor(keys, &mut s.reanchor));
    keys.section("keep", |keys| keep(keys, &mut s.keep));
    // The default of silence follows the interval: a writer finds it as it is, a reader learns the interval first.
    let derived = s.silence == Silence::after(s.pings.interval);
    keys.section("pings", |keys| pings(keys, &mut s.pings));
    if derived {
        s.silence = Silence::after(s.pings.interval);
    }
    keys.section("silence", |keys| silence(keys, &mut s.silence));
    keys.section("traffic", |keys| traffic(keys, &mut s.traffic, &zone));
    keys.section("policy", |keys| policy(keys, &mut s.policy));
    keys.section("tariff", |keys| tariff(keys, &mut s.tariff));
}

/// The keys of a market alone: what is decided where, and how. Who asks and who drives comes from outside.
pub(super) fn market(keys: &mut impl Keys, s: &mut Scenario) {
    keys.key("name", &mut s.name, &Name);
    keys.key("timezone", &mut s.timezone, &Zone);
    limits(keys, s);
    keys.section("network", |keys| network(keys, &mut s.network));
    keys.section("reanchor_m", |keys| reanchor(keys, &mut s.reanchor));
    keys.section("keep", |keys| keep(keys, &mut s.keep));
    keys.section("silence", |keys| silence(keys, &mut s.silence));
    keys.section("policy", |keys| policy(keys, &mut s.policy));
    keys.section("tariff", |keys| tariff(keys, &mut s.tariff));
}

/// How long things may take, and how far off a report may be.
fn limits(keys: &mut impl Keys, s: &mut Scenario) {
    keys.key("offer_s", &mut s.offer, &Seconds(1..=3600));
    keys.key("max_offers", &mut s.max_offers, &Whole::of(1..=1000));
    keys.key("boarding_s", &mut s.boarding, &Seconds(0..=3600));
    keys.key("alighting_s", &mut s.alighting, &Seconds(0..=3600));
    keys.key("no_show_wait_s", &mut s.no_show_wait, &Seconds(0..=DAY_S));
    keys.key("snap_m", &mut s.snap, &Metres(1..=100_000));
    keys.key("teleport_m_s", &mut s.teleport_speed, &Metres(1..=10_000));
    keys.key("teleport_m", &mut s.teleport, &Metres(0..=1_000_000));
}

/// How long the market remembers what is over.
fn keep(keys: &mut impl Keys, k: &mut Keep) {
    keys.key("keys_s", &mut k.keys, &Seconds(300..=YEAR_S));
    keys.key("rides_s", &mut k.rides, &Seconds(60..=YEAR_S));
    keys.key("drivers_s", &mut k.drivers, &Seconds(600..=YEAR_S));
}

fn period(keys: &mut impl Keys, p: &mut Period, zone: &Timezone) {
    keys.need("start", &mut p.start, &Instant(zone), PERIOD);
    keys.need("end", &mut p.end, &Instant(zone), PERIOD);
}

fn network(keys: &mut impl Keys, n: &mut Streets) {
    let (mut csv, mut file, mut synthetic) = match &n.source {
        StreetSource::Csv(folder) => (Some(folder.clone()), None, None),
        StreetSource::File(file) => (None, Some(file.clone()), None),
        StreetSource::Synthetic(name) => (None, None, Some(name.clone()).filter(|name| !name.is_empty())),
    };
    keys.key("csv", &mut csv, &Maybe(Path));
    keys.key("file", &mut file, &Maybe(Path));
    keys.key("synthetic", &mut synthetic, &Maybe(Name));
    n.source = match (csv, file) {
        (Some(folder), _) => StreetSource::Csv(folder),
        (None, Some(file)) => StreetSource::File(file),
        (None, None) => StreetSource::Synthetic(synthetic.unwrap_or_default()),
    };
    keys.key("speed_m_s", &mut n.speed, &Metres(1..=100));
}

fn demand(keys: &mut impl Keys, d: &mut Demand) {
    let (mut file, mut model) = match d {
        Demand::File(file) => (Some(file.clone()), DemandModel::default()),
        Demand::Model(model) => (None, std::mem::take(model)),
    };
    let drawn = file.is_none();
    keys.key("file", &mut file, &Maybe(Path));
    // A model's keys are known whatever the form, so that a slip in one is named, but shown only for a model.
    let mut seats = drawn.then_some(model.seats);
    keys.key("rate_per_h", &mut model.rate_per_h, &Numbers(0.0..=1e6));
    keys.key("from", &mut model.from, &Names);
    keys.key("to", &mut model.to, &Names);
    keys.key("seats", &mut seats, &Maybe(Whole::of(1..=255)));
    keys.list("zones", &mut model.zones, |keys, zone| {
        keys.need("name", &mut zone.name, &Name, "name = \"centre\"");
        keys.need("lat", &mut zone.center.lat, &Degrees(90), "lat = 48.1371");
        keys.need("lon", &mut zone.center.lon, &Degrees(180), "lon = 11.5754");
        keys.need("radius_m", &mut zone.radius, &Metres(1..=1_000_000), "radius_m = 500");
        keys.key("weight", &mut zone.weight, &Number(1e-9..=1e9));
    });
    model.seats = seats.unwrap_or(1);
    *d = file.map_or_else(|| Demand::Model(model), Demand::File);
}

const PLACES: &[(&str, Place)] = &[("demand", Place::Demand), ("uniform", Place::Uniform)];

fn supply(keys: &mut impl Keys, s: &mut Supply, zone: &Timezone) {
    let (mut vehicles, mut place, mut file) = match &s.fleet {
        Fleet::Drawn { vehicles, place } => (Some(*vehicles).filter(|&n| n > 0), Some(*place), None),
        Fleet::Listed { file, vehicles } => (*vehicles, None, Some(file.clone())),
    };
    keys.key("vehicles", &mut vehicles, &Maybe(Whole::of(1..=10_000_000)));
    keys.key("place", &mut place, &Maybe(Choice(PLACES)));
    keys.key("file", &mut file, &Maybe(Path));
    s.fleet = match file {
        Some(file) => Fleet::Listed { file, vehicles },
        None => Fleet::Drawn { vehicles: vehicles.unwrap_or(0), place: place.unwrap_or(Place::Demand) },
    };
    keys.key("seats", &mut s.seats, &Whole::of(1..=255));
    keys.key("idle", &mut s.idle, &Choice(&[("stand", Idle::Stand), ("cruise", Idle::Cruise)]));
    keys.key("autonomous", &mut s.autonomous, &Flag);
    keys.key("shift_start", &mut s.shift_start, &Maybe(Instant(zone)));
    keys.key("shift_end", &mut s.shift_end, &Maybe(Instant(zone)));
}

fn driver(keys: &mut impl Keys, d: &mut Driver) {
    keys.key("acceptance", &mut d.acceptance, &Number(0.0..=1.0));
    keys.key("reaction_s", &mut d.reaction, &Spread { most: 3600, endless: false });
    keys.key("cancel", &mut d.cancel, &Number(0.0..=1.0));
    keys.key("dark", &mut d.dark, &Number(0.0..=1.0));
    keys.key("dark_s", &mut d.dark_span, &Spread { most: DAY_S, endless: false });
}

fn rider(keys: &mut impl Keys, r: &mut Rider) {
    keys.key("patience_s", &mut r.patience, &Spread { most: DAY_S, endless: true });
    keys.key("lateness_s", &mut r.lateness, &Spread { most: DAY_S, endless: true });
    keys.key("no_show", &mut r.no_show, &Number(0.0..=1.0));
}

fn reanchor(keys: &mut impl Keys, r: &mut Reanchor) {
    keys.key("along", &mut r.along, &Metres(0..=100_000));
    keys.key("across", &mut r.across, &Metres(0..=100_000));
}

fn pings(keys: &mut impl Keys, p: &mut Pings) {
    keys.key("interval_s", &mut p.interval, &Seconds(1..=3600));
    keys.key("noise_m", &mut p.noise, &Metres(0..=10_000));
    keys.key("frozen", &mut p.frozen, &Number(0.0..=1.0));
}

fn silence(keys: &mut impl Keys, s: &mut Silence) {
    let derived = s.redispatch == Silence::redispatch_after(s.warn);
    keys.key("warn_s", &mut s.warn, &Seconds(1..=DAY_S));
    if derived {
        s.redispatch = Silence::redispatch_after(s.warn);
    }
    keys.key("redispatch_s", &mut s.redispatch, &Seconds(1..=DAY_S));
}

fn traffic(keys: &mut impl Keys, t: &mut TrafficKeys, zone: &Timezone) {
    keys.key("hidden", &mut t.hidden, &Flag);
    keys.key("slowdown", &mut t.slowdown, &Number(0.01..=100.0));
    keys.key("day_sigma", &mut t.day_sigma, &Number(0.0..=2.0));
    keys.key("edge_sigma", &mut t.edge_sigma, &Number(0.0..=2.0));
    keys.list("incidents", &mut t.incidents, |keys, i: &mut Incident| {
        keys.need("at", &mut i.at, &Instant(zone), "at = \"2026-03-05T18:00:00+01:00\"");
        keys.need("duration_s", &mut i.duration, &Seconds(1..=30 * DAY_S), "duration_s = 1800");
        keys.need("lat", &mut i.center.lat, &Degrees(90), "lat = 48.1371");
        keys.need("lon", &mut i.center.lon, &Degrees(180), "lon = 11.5754");
        keys.need("radius_m", &mut i.radius, &Metres(1..=1_000_000), "radius_m = 300");
        keys.need("factor", &mut i.factor, &Number(0.01..=100.0), "factor = 4.0");
    });
}

fn policy(keys: &mut impl Keys, p: &mut Policy) {
    const KINDS: &[(&str, PolicyKind)] =
        &[("nearest", PolicyKind::Nearest), ("batch", PolicyKind::Batch), ("external", PolicyKind::External)];
    keys.key("kind", &mut p.kind, &Choice(KINDS));
    keys.key("batch_window_s", &mut p.batch_window, &Seconds(0..=3600));
    keys.key("candidates", &mut p.candidates, &Whole::of(1..=100_000));
    keys.key("max_wait_s", &mut p.max_wait, &Seconds(1..=DAY_S));
    keys.key("planner_latency_ms", &mut p.planner_latency, &Milliseconds(0..=600_000));
    keys.key("chain_horizon_s", &mut p.chain_horizon, &Seconds(0..=DAY_S));
    keys.key("chain_slip_s", &mut p.chain_slip, &Seconds(0..=DAY_S));
    let shown = p.kind == PolicyKind::External;
    keys.section("external", |keys| external(keys, &mut p.external, shown));
    keys.section("weights", |keys| weights(keys, &mut p.weights));
    keys.section("constants", |keys| constants(keys, &mut p.constants));
    keys.section("unserved", |keys| unserved(keys, &mut p.unserved));
}

/// Known whatever the policy, so that a slip is named, but shown only for an external one.
fn external(keys: &mut impl Keys, e: &mut ExternalPlanner, shown: bool) {
    keys.key("command", &mut e.command, &Maybe(Words));
    keys.key("address", &mut e.address, &Maybe(Words));
    let mut timeout = shown.then_some(e.timeout);
    keys.key("timeout_ms", &mut timeout, &Maybe(Milliseconds(1..=3_600_000)));
    e.timeout = timeout.unwrap_or(e.timeout);
}

fn weights(keys: &mut impl Keys, w: &mut Weights) {
    let per_mille = Whole::of(-1_000_000..=1_000_000);
    keys.key("eta", &mut w.eta, &per_mille);
    keys.key("wait", &mut w.wait, &per_mille);
    keys.key("deadhead", &mut w.deadhead, &per_mille);
    keys.key("revenue", &mut w.revenue, &per_mille);
    keys.key("destination", &mut w.destination, &per_mille);
    keys.key("acceptance", &mut w.acceptance, &per_mille);
    keys.key("cancellation", &mut w.cancellation, &per_mille);
    keys.key("rating", &mut w.rating, &per_mille);
    keys.key("tier", &mut w.tier, &per_mille);
    keys.key("forecast", &mut w.forecast, &per_mille);
}

fn constants(keys: &mut impl Keys, c: &mut Constants) {
    let units = Whole::of(-1_000_000_000..=1_000_000_000);
    keys.key("destination", &mut c.destination, &units);
    keys.key("rating", &mut c.rating, &Whole::of(0..=400));
    keys.key("tier", &mut c.tier, &Whole::of(0..=255));
    keys.key("forecast", &mut c.forecast, &units);
}

fn unserved(keys: &mut impl Keys, u: &mut Unserved) {
    let units = Whole::of(0..=1_000_000_000_000);
    keys.key("base", &mut u.base, &units);
    keys.key("slope_per_s", &mut u.slope_per_s, &Whole::of(0..=1_000_000_000));
}

fn tariff(keys: &mut impl Keys, t: &mut Tariff) {
    let money = Whole::of(0..=1_000_000_000);
    keys.key("currency", &mut t.currency, &Currency);
    keys.key("exponent", &mut t.exponent, &Whole::of(0..=4));
    keys.key("base_minor", &mut t.base_minor, &money);
    keys.key("per_km_minor", &mut t.per_km_minor, &money);
    keys.key("per_min_minor", &mut t.per_min_minor, &money);
    keys.key("minimum_minor", &mut t.minimum_minor, &money);
    keys.key("driver_share_bp", &mut t.driver_share_bp, &Whole::of(0..=10_000));
    keys.key("cancellation_fee_minor", &mut t.cancellation_fee_minor, &money);
    keys.key("no_show_fee_minor", &mut t.no_show_fee_minor, &money);
    keys.key("tax_bp", &mut t.tax_bp, &Whole::of(0..=10_000));
}

/// Nothing beyond which a period may last: travel times and time zones are laid out for all of it.
pub(super) const LONGEST_PERIOD: Millis = Millis::from_secs(31 * DAY_S);
