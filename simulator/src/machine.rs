//! What a run takes of the machine. Never looked at by anything that a run's answers depend on.

use std::fs;

/// Processor time of this process so far, in seconds, to the hundredth; 0 where the system does not tell.
pub fn cpu_s() -> f64 {
    // Fields 14 and 15, in hundredths of a second on every Linux; the second field may hold spaces, in parentheses.
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

/// Memory held now, file-backed pages apart: what is anonymous or shared memory. 0 where the system does not tell.
pub fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = |line: &str| {
        let (key, value) = line.split_once(':')?;
        let wanted = matches!(key, "RssAnon" | "RssShmem");
        wanted.then(|| value.trim().trim_end_matches(" kB").parse::<u64>().ok()).flatten()
    };
    status.lines().filter_map(kib).sum::<u64>() * 1024
}
