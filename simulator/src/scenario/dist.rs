//! Spans of time that vary from draw to draw.

use hansom_geo_index::Millis;

use crate::rng::Draw;

/// A span of time that may vary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dist {
    /// Always this.
    Constant(Millis),
    /// Log-normal with these percentiles, both above zero.
    LogNormal {
        /// The median.
        p50: Millis,
        /// The 90th percentile, not below the median.
        p90: Millis,
    },
}

impl Dist {
    /// The span that `draw` picks.
    pub fn pick(self, draw: Draw) -> Millis {
        match self {
            Self::Constant(span) => span,
            Self::LogNormal { p50, p90 } => {
                // Saturates far beyond any run; the cast of a too large float does too.
                Millis(libm::round(draw.log_normal_between(p50.0 as f64, p90.0 as f64)) as i64)
            }
        }
    }
}
