#!/usr/bin/env python3
"""A planner of your own in thirty lines: whoever has waited longest gets the cheapest driver who is left.

    hansom simulate scenarios/small-town.toml --set policy.kind=external \\
        --set "policy.external.command=python3 api/examples/planner/greedy.py"

A question a line comes in, an answer a line goes out. Each ride has its `arcs`: the drivers who may serve it, with
`eta_ms` until they are at the pickup and `cost`, in units of 1 ms of it; `unserved` is what leaving it open costs.
"""

import json
import sys


def answer(question):
    taken, changes = set(), []
    for ride in sorted(question["rides"], key=lambda ride: -ride["waited_ms"]):
        free = [arc for arc in ride["arcs"] if arc["driver"] not in taken]
        if free:
            best = min(free, key=lambda arc: (arc["cost"], arc["driver"]))
            taken.add(best["driver"])
            changes.append({"ride": ride["ride"], "driver": best["driver"]})
    return {"basis": question["basis"], "changes": changes}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
