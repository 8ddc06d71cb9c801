#!/usr/bin/env python3
"""Audits a finished run from outside: recomputes from its files what its summary and its dispatcher say.

Usage: audit.py RUN [--network DIR] [--requests FILE] [--hansom BINARY] [--every N]

Python 3.11, standard library only; shares no code with Hansom. Reads trips.csv, vehicles.csv and summary.json of the run; the
request file, unless demand is a model; the network's CSV folder (a network that is no folder is written as one by `hansom
import … --csv DIR`); and the scenario as `hansom scenario show` prints it. Prints each check with its number of cases, and
exits with 1 and the first ten counterexamples of each that fails.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

import figures
import money
import trips
import vehicles
import ways
from findings import Findings
from legs import Judge
from run import Run
from streets import Streets
from traffic import Traffic


def main():
    parser = argparse.ArgumentParser(description="Audit a finished run from outside.")
    parser.add_argument("run", type=Path, help="the folder of the run")
    parser.add_argument("--network", type=Path, help="the folder with nodes.csv and edges.csv, if the scenario names none")
    parser.add_argument("--requests", type=Path, help="the request file, if it is elsewhere than the scenario says")
    parser.add_argument("--hansom", default=None, help="the program, for `scenario show` and `import`")
    parser.add_argument("--every", type=int, default=1, help="look at the ways of every N-th vehicle and request only")
    given = parser.parse_args()
    run = Run(given.run, scenario_text(given.run, given.hansom))
    with tempfile.TemporaryDirectory() as scratch:
        streets = streets_of(run, given.network, given.hansom, scratch)
    requests = given.requests or run.scenario["demand"].get("file")
    findings = audit(run, streets, requests, given.every)
    sys.exit(0 if findings.print() else 1)


def audit(run, streets, requests=None, every=1):
    """All checks of a run; those of ways on every `every`th vehicle and request."""
    findings = Findings()
    trips.check(run, findings, requests)
    vehicles.check(run, findings)
    money.check(run, findings)
    figures.check(run, findings)
    judge = Judge(streets, Traffic(streets, run.scenario), os.cpu_count() or 1)
    ways.check(run, findings, streets, judge, every)
    ways.quotes(run, findings, streets, judge, every)
    ways.stops(run, findings, streets)
    return findings


def scenario_text(folder, hansom=None):
    """The scenario with every key: as the program shows it, or as the run kept it."""
    file = folder / "scenario.toml"
    if hansom is None:
        return file.read_text(encoding="utf-8")
    return program(hansom, "scenario", "show", str(file))


def streets_of(run, folder, hansom, scratch):
    """The network of a run: from `folder`, from where the scenario says, or drawn by the program into `scratch`."""
    network = run.scenario["network"]
    if folder is None and "csv" in network:
        folder = Path(network["csv"])
    if folder is None:
        if "synthetic" not in network or hansom is None:
            sys.exit("the scenario names no CSV folder: give --network DIR, or --hansom BINARY for a procedural city")
        folder = Path(scratch)
        out = str(folder / "network")
        program(hansom, "import", "synthetic", network["synthetic"], "--out", out, "--csv", str(folder))
    return Streets(folder, network["speed_m_s"])


def program(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


if __name__ == "__main__":
    main()
