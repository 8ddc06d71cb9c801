//! Tells the compiler of the switch under which `cargo xtask fuzz` builds: with counters in our crates.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(hansom_counters)");
}
