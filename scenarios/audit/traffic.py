"""How fast the world is: the travel times of the streets times what the dispatcher is not told.

The hidden factors are drawn from the seed; how is documented in simulator/src/rng.rs (SplitMix64 finalisers keyed by seed,
purpose, id, ordinal) and repeated here from that description. An audit that only knew their distribution could not tell a
vehicle that drives as fast as its streets allow from one that drives faster.
"""

import math
from datetime import datetime, timedelta
from statistics import NormalDist

MASK = (1 << 64) - 1
DAY_TRAFFIC, EDGE_TRAFFIC = 1, 2


def mix(x):
    z = (x + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def log_normal(seed, purpose, item, sigma):
    bits = mix(mix(mix(mix(seed) ^ purpose) ^ item) ^ 0)
    return math.exp(sigma * NormalDist().inv_cdf(((bits >> 11) + 0.5) / 2.0**53))


class Traffic:
    """The world's times of edges, as bounds: for most legs they are the same number twice."""

    def __init__(self, streets, scenario):
        self.streets = streets
        traffic = scenario["traffic"]
        edges = range(len(streets.tail))
        self.factors = [traffic["slowdown"]] * len(edges)
        self.incidents = []
        if traffic["hidden"]:
            day = log_normal(scenario["seed"], DAY_TRAFFIC, 0, traffic["day_sigma"])
            for edge in edges:
                noise = log_normal(scenario["seed"], EDGE_TRAFFIC, edge, traffic["edge_sigma"])
                self.factors[edge] *= day * noise
            self.incidents = [self._incident(incident) for incident in traffic.get("incidents", [])]
        self._bounds = {}

    def _incident(self, incident):
        start = as_datetime(incident["at"])
        near = [
            edge
            for edge in range(len(self.streets.tail))
            if self.streets.from_segment_m(edge, incident["lat"], incident["lon"]) <= incident["radius_m"] + 1
        ]
        return start, start + timedelta(seconds=incident["duration_s"]), incident["factor"], near

    def key(self, start, end):
        """What is in force from `start` to `end`: the versions of the streets' times, and the incidents."""
        versions = {self.streets.version(start), self.streets.version(end)}
        hour = start
        while hour < end:
            versions.add(self.streets.version(hour))
            hour += timedelta(minutes=15)
        on = (n for n, (since, until, _, _) in enumerate(self.incidents) if since <= end and start <= until)
        return tuple(sorted(versions)), tuple(on)

    def bounds(self, key):
        """The least and the most that each edge takes while `key` is in force, in ms."""
        if key not in self._bounds:
            versions, on = key
            times = [self.streets.times_ms[version] for version in versions]
            # Rounded as the world rounds, a thousandth of a ms on the safe side: its normal quantiles have 9 digits.
            least = [max(1, math.floor(min(t) * f + 0.499)) for t, f in zip(zip(*times), self.factors)]
            most = [max(1, math.floor(max(t) * f + 0.501)) for t, f in zip(zip(*times), self.factors)]
            for _, _, factor, edges in (self.incidents[n] for n in on):
                for edge in edges:
                    least[edge] = max(1, math.floor(least[edge] * min(factor, 1.0)))
                    most[edge] = math.ceil(most[edge] * max(factor, 1.0))
            self._bounds[key] = least, most
        return self._bounds[key]


def as_datetime(value):
    """A time of a scenario: TOML's own, or text in quotes."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
