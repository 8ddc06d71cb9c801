#!/bin/sh
# Compiles a crate of ours with counters for coverage: cargo calls it as RUSTC_WORKSPACE_WRAPPER, for cargo xtask fuzz.
exec "$@" -C instrument-coverage --cfg hansom_counters
