//! A portable source of arbitrary numbers.

/// Scrambles `z` so that neighbouring inputs give unrelated outputs, one to one: a step of `SplitMix64` (Steele, Lea and
/// Flood, OOPSLA 2014).
pub(crate) fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
