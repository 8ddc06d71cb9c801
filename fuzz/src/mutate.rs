//! Changes of bytes, drawn from a seed.

/// A generator of draws (SplitMix64): the same on every machine.
#[derive(Debug, Clone)]
pub struct Draws(pub u64);

impl Draws {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.bits().checked_rem(end as u64).unwrap_or(0) as usize
    }

    /// A place in `bytes`, its end included, and a length from there: mostly a short one.
    fn range(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        let most = if self.below(4) == 0 { bytes.len() } else { 16 };
        let length = self.below(most + 1).min(bytes.len() - start);
        start..start + length
    }
}

const BYTES: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'0', b'"', b'\n'];
const NUMBERS: [u64; 8] = [0, 1, 0x7f, 0xffff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];

/// Changes `bytes` in one place to eight, mostly in few. `other`: another input to take from. `words`: what often stands in such inputs.
pub fn mutate(draws: &mut Draws, bytes: &mut Vec<u8>, other: &[u8], words: &[&str], most_bytes: usize) {
    let most = 1 << draws.below(4);
    for _ in 0..=draws.below(most) {
        once(draws, bytes, other, words);
    }
    bytes.truncate(most_bytes);
}

fn once(draws: &mut Draws, bytes: &mut Vec<u8>, other: &[u8], words: &[&str]) {
    let at = draws.below(bytes.len());
    let range = draws.range(bytes);
    match draws.below(11) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << draws.below(8),
        1 if !bytes.is_empty() => bytes[at] = draws.below(256) as u8,
        2 if !bytes.is_empty() => bytes[at] = BYTES[draws.below(BYTES.len())],
        3 => drop(bytes.drain(range)),
        4 => {
            let copy = bytes[range].to_vec();
            let to = draws.below(bytes.len() + 1);
            bytes.splice(to..to, copy);
        }
        5 => {
            let some: Vec<u8> = (0..=draws.below(8)).map(|_| draws.below(256) as u8).collect();
            bytes.splice(range.start..range.start, some);
        }
        6 => {
            let piece = other[draws.range(other)].to_vec();
            bytes.splice(range, piece);
        }
        7 => {
            let from = draws.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        8 if !words.is_empty() => {
            let word = words[draws.below(words.len())].bytes();
            bytes.splice(range, word);
        }
        9 => {
            if let Some(digit) = bytes.iter_mut().skip(at).find(|byte| byte.is_ascii_digit()) {
                *digit = b'0' + draws.below(10) as u8;
            }
        }
        _ => {
            let number = NUMBERS[draws.below(NUMBERS.len())].to_le_bytes();
            let width = [1, 2, 4, 8][draws.below(4)];
            if let Some(place) = bytes.get_mut(at..at + width) {
                place.copy_from_slice(&number[..width]);
            }
        }
    }
}
