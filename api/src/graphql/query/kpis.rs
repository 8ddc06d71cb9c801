//! KPIs of a window, as a run's summary defines them.

use async_graphql::{Context, Object, Result, SimpleObject};
use hansom_geo_index::Millis;

use super::answer::KpisResult;
use super::ask::{self, history};
use crate::auth::Reading as Concern;
use crate::graphql::code::{BAD_INPUT, bad_value, error};
use crate::graphql::scalar::{Minor, Offset, Time};
use crate::read::history::Buckets;
use crate::read::kpi;

/// A window is cut into at most so many.
const MOST_BUCKETS: usize = 1_000;

/// KPIs over the rides that were asked for in a window.
#[derive(Debug, SimpleObject)]
pub struct WindowKpis {
    /// The turn after the last one that counts.
    next: Offset,
    /// The windows, in order: one, or as many as `bucketS` cuts it into.
    windows: Vec<Kpis>,
}

/// KPIs over the rides that were asked for between two times.
#[derive(Debug, SimpleObject)]
pub struct Kpis {
    /// From this time on …
    from: Time,
    /// … and before this time.
    until: Time,
    /// Rides asked for, refused ones too.
    requests: u64,
    /// Completed over requests; `null`: there were none.
    service_rate: Option<f64>,
    /// How they ended so far: counts that sum to the requests.
    outcomes: Outcomes,
    /// Request until picked up, over rides picked up.
    wait: Spread,
    /// Request until first offer, over rides that were offered.
    time_to_offer: Spread,
    /// Picked up until dropped off.
    in_vehicle: Spread,
    /// Mean of in-vehicle time over direct time, where that is above 0.
    detour: Option<f64>,
    /// Paid by riders, fees included.
    total_minor: Minor,
    /// To drivers.
    driver_minor: Minor,
    /// To the platform.
    platform_minor: Minor,
}

/// How rides ended.
#[derive(Debug, SimpleObject)]
#[graphql(name = "OutcomeCounts")]
pub struct Outcomes {
    /// Brought to the destination.
    completed: u64,
    /// The trip ended away from the destination.
    ended_early: u64,
    /// The rider cancelled while no driver was assigned.
    cancelled_before_match: u64,
    /// The rider cancelled a driver on the way.
    cancelled_after_match: u64,
    /// The rider did not come to the pickup.
    no_show: u64,
    /// Nobody took it.
    no_driver: u64,
    /// The request could not be served at all.
    refused: u64,
    /// Not over yet.
    open: u64,
}

/// Mean and nearest-rank percentiles of spans, s; `null`: there are none.
#[derive(Debug, SimpleObject)]
pub struct Spread {
    /// How many spans there are.
    count: u64,
    /// The mean.
    mean_s: Option<f64>,
    /// The median.
    p50_s: Option<f64>,
    /// The 90th percentile.
    p90_s: Option<f64>,
    /// The 95th percentile.
    p95_s: Option<f64>,
    /// The 99th percentile.
    p99_s: Option<f64>,
}

impl From<kpi::Spread> for Spread {
    fn from(spread: kpi::Spread) -> Self {
        let kpi::Spread { count, mean_s, p50_s, p90_s, p95_s, p99_s } = spread;
        Self { count, mean_s, p50_s, p90_s, p95_s, p99_s }
    }
}

impl From<kpi::Outcomes> for Outcomes {
    fn from(outcomes: kpi::Outcomes) -> Self {
        let kpi::Outcomes {
            completed,
            ended_early,
            cancelled_before_match,
            cancelled_after_match,
            no_show,
            no_driver,
            refused,
            open,
        } = outcomes;
        Self {
            completed,
            ended_early,
            cancelled_before_match,
            cancelled_after_match,
            no_show,
            no_driver,
            refused,
            open,
        }
    }
}

impl Kpis {
    fn of(from_ms: i64, until_ms: i64, kpis: &kpi::Kpis) -> Self {
        Self {
            from: Time(Millis(from_ms)),
            until: Time(Millis(until_ms)),
            requests: kpis.requests,
            service_rate: kpis.service_rate,
            outcomes: kpis.outcomes.into(),
            wait: kpis.wait.into(),
            time_to_offer: kpis.time_to_offer.into(),
            in_vehicle: kpis.in_vehicle.into(),
            detour: kpis.detour,
            total_minor: Minor(kpis.total_minor),
            driver_minor: Minor(kpis.driver_minor),
            platform_minor: Minor(kpis.platform_minor),
        }
    }
}

/// What can be asked about how a market does.
#[derive(Debug, Default)]
pub struct Performance;

#[Object]
impl Performance {
    /// KPIs over the rides that were asked for in a window, exact: percentiles are over all of them.
    #[graphql(complexity = "100 + child_complexity * buckets(from, until, bucket_s)")]
    async fn kpis(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "May be left out where there is one only.")] market: Option<String>,
        #[graphql(desc = "From this time on …")] from: Time,
        #[graphql(desc = "… and before this time.")] until: Time,
        #[graphql(desc = "Cut into windows of so many seconds, at most 1,000; left out: one window.")] bucket_s: Option<
            i64,
        >,
        #[graphql(desc = "The answer knows of this turn.")] min_offset: Option<Offset>,
    ) -> Result<KpisResult> {
        let span_ms = until.0.0.saturating_sub(from.0.0);
        if span_ms <= 0 {
            return Err(error(BAD_INPUT, "`until` is after `from`"));
        }
        let Some((bucket_ms, count)) = cut(span_ms, bucket_s) else {
            let takes = format!("a number of seconds that cuts the window, {} s, into 1 to 1,000", span_ms / 1000);
            return Err(bad_value("bucketS", &takes, bucket_s.unwrap_or_default()));
        };
        let from_ms = from.0.0;
        let buckets = Buckets { from_ms, span_ms: bucket_ms, count };
        let reading = match ask::reading(ctx, market.as_deref(), Concern::All)? {
            Ok(reading) => reading,
            Err(why) => return Ok(KpisResult::from(Err(why))),
        };
        let found = history(&reading, min_offset, move |history| Ok((history.reach()?.next, history.kpis(buckets)?)));
        Ok(found
            .await?
            .map(|(next, kpis)| {
                let window = |(index, kpis)| {
                    let from_ms = from_ms + index as i64 * bucket_ms;
                    Kpis::of(from_ms, from_ms + bucket_ms, &kpis)
                };
                WindowKpis { next: Offset(next), windows: kpis.into_iter().enumerate().map(window).collect() }
            })
            .into())
    }
}

/// How many windows are asked for, for what they cost.
fn buckets(from: Time, until: Time, bucket_s: Option<i64>) -> usize {
    // What cannot be is told by the question itself, and costs nothing.
    cut(until.0.0.saturating_sub(from.0.0), bucket_s).map_or(0, |(_, count)| count)
}

/// How long each window is, ms, and how many there are, the first never longer than all; `None`: it cannot be cut so.
fn cut(span_ms: i64, bucket_s: Option<i64>) -> Option<(i64, usize)> {
    let bucket_ms = bucket_s.map_or(span_ms, |seconds| seconds.saturating_mul(1000).min(span_ms));
    let count = (span_ms > 0 && bucket_ms > 0).then(|| windows(span_ms, bucket_ms))?;
    (count <= MOST_BUCKETS).then_some((bucket_ms, count))
}

/// How many windows of one span cover another, ms, both above 0.
fn windows(span_ms: i64, bucket_ms: i64) -> usize {
    usize::try_from(span_ms.unsigned_abs().div_ceil(bucket_ms.unsigned_abs())).unwrap_or(usize::MAX)
}
