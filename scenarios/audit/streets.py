"""Streets as the CSV folder has them: positions, fastest ways, shortest ways.

Distances on the map are in metres on a plane about the middle of the network; times in ms; lengths in mm.
"""

import csv
import heapq
import io
import lzma
import math
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

EARTH_M = 6_371_008.8
DAY_TYPES = {"weekday": 0, "saturday": 1, "sunday": 2}

# A place in a file is rounded to 1e-7 degrees (11 mm), and the place on the street before that to 1 mm and 1/65,536 of
# the edge: who stands on a street is within this of it.
ON_STREET_M = 0.05


def open_text(path):
    """A text file, plain or packed."""
    if path.suffix == ".xz":
        return io.TextIOWrapper(lzma.open(path), encoding="utf-8", newline="")
    return open(path, encoding="utf-8-sig", newline="")


def thousandths(text):
    """A decimal number times 1000, rounded half away from zero: metres in mm, seconds in ms."""
    return int((Decimal(text) * 1000).to_integral_value(ROUND_HALF_UP))


class Streets:
    """The largest strongly connected part of a network; edges in order of (from, to, line of the file)."""

    def __init__(self, folder, speed_m_s):
        folder = Path(folder)
        ids, coords = [], []
        with open_text(folder / "nodes.csv") as file:
            for row in csv.DictReader(file):
                ids.append(int(row["node_id"]))
                coords.append((float(row["lat"]), float(row["lon"])))
        index = {node: n for n, node in enumerate(ids)}
        edges = []
        with open_text(folder / "edges.csv") as file:
            for line, row in enumerate(csv.DictReader(file)):
                length = thousandths(row["length_m"])
                time = row.get("travel_time_s")
                time = thousandths(time) if time else int(length / speed_m_s + 0.5)
                edges.append((index[int(row["from_node"])], index[int(row["to_node"])], line, length, max(time, 0) or 500,
                              int(row["edge_id"])))
        kept = largest_part(len(ids), edges)
        self.coords = [coords[n] for n in range(len(ids)) if kept[n]]
        renamed, count = [None] * len(ids), 0
        for n in range(len(ids)):
            if kept[n]:
                renamed[n] = count
                count += 1
        edges = sorted((renamed[a], renamed[b], *rest) for a, b, *rest in edges if kept[a] and kept[b])
        self.tail = [edge[0] for edge in edges]
        self.head = [edge[1] for edge in edges]
        self.length_mm = [edge[3] for edge in edges]
        self.times_ms = self._times(folder, edges)
        self.out = [[] for _ in self.coords]
        for edge, node in enumerate(self.tail):
            self.out[node].append(edge)
        self.twin = [self._twin(edge) for edge in range(len(self.tail))]
        self._lay_out()

    def _times(self, folder, edges):
        """One list of times for all hours, or 72: day type × 24 + hour."""
        for name in ["travel_times.csv", "travel_times.csv.xz"]:
            if (folder / name).exists():
                break
        else:
            return [[edge[4] for edge in edges]]
        place = {edge[5]: n for n, edge in enumerate(edges)}
        times = [[None] * len(edges) for _ in range(72)]
        with open_text(folder / name) as file:
            for row in csv.DictReader(file):
                edge = place.get(int(row["edge_id"]))
                if edge is not None:
                    version = DAY_TYPES[row["day_type"]] * 24 + int(row["hour"])
                    times[version][edge] = thousandths(row["travel_time_s"]) or 500
        return times

    def _twin(self, edge):
        """The first edge that is the same street driven the other way; None of a one-way street."""
        tail, head = self.tail[edge], self.head[edge]
        back = (other for other in self.out[head] if self.head[other] == tail and tail != head)
        return next(back, None)

    def version(self, local):
        """Which times are in force at a local date and time."""
        if len(self.times_ms) == 1:
            return 0
        return {5: 1, 6: 2}.get(local.weekday(), 0) * 24 + local.hour

    # The map.

    def _lay_out(self):
        lats = [lat for lat, _ in self.coords]
        lons = [lon for _, lon in self.coords]
        self.middle = ((min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2)
        self.east_m = math.radians(1) * EARTH_M * math.cos(math.radians(self.middle[0]))
        self.north_m = math.radians(1) * EARTH_M
        self.points = [self.point(*coord) for coord in self.coords]
        self.cell_m = 100.0
        self.cells = {}
        for edge in range(len(self.tail)):
            (ax, ay), (bx, by) = self.points[self.tail[edge]], self.points[self.head[edge]]
            for x in range(self._cell(min(ax, bx) - 1), self._cell(max(ax, bx) + 1) + 1):
                for y in range(self._cell(min(ay, by) - 1), self._cell(max(ay, by) + 1) + 1):
                    self.cells.setdefault((x, y), []).append(edge)

    def _cell(self, metres):
        return int(math.floor(metres / self.cell_m))

    def point(self, lat, lon):
        """Metres east and north of the middle."""
        return ((lon - self.middle[1]) * self.east_m, (lat - self.middle[0]) * self.north_m)

    def project(self, edge, point):
        """The place on an edge that is nearest to a point: share of the edge from its start, and distance."""
        (ax, ay), (bx, by) = self.points[self.tail[edge]], self.points[self.head[edge]]
        dx, dy = bx - ax, by - ay
        square = dx * dx + dy * dy
        share = 0.0 if square == 0 else ((point[0] - ax) * dx + (point[1] - ay) * dy) / square
        share = min(max(share, 0.0), 1.0)
        return share, math.hypot(point[0] - ax - share * dx, point[1] - ay - share * dy)

    def standing(self, lat, lon):
        """Where on the streets somebody is who is on one: a list of (edge, share from its start, its uncertainty)."""
        point = self.point(lat, lon)
        near = self.cells.get((self._cell(point[0]), self._cell(point[1])), ())
        return self._places(point, near, ON_STREET_M)

    def nearest(self, lat, lon):
        """The nearest places on streets, as in `standing`, and how far they are in metres."""
        point = self.point(lat, lon)
        x, y = self._cell(point[0]), self._cell(point[1])
        best, ring, seen = math.inf, 0, set()
        # A street that touches none of the squares up to this ring is farther than the ring is wide.
        while best > (ring - 1) * self.cell_m and ring < 1_000:
            for cx in range(x - ring, x + ring + 1):
                step = 1 if abs(cx - x) == ring else 2 * ring
                for cy in range(y - ring, y + ring + 1, step):
                    for edge in self.cells.get((cx, cy), ()):
                        if edge not in seen:
                            seen.add(edge)
                            best = min(best, self.project(edge, point)[1])
            ring += 1
        return self._places(point, seen, best + ON_STREET_M), best

    def _places(self, point, edges, within_m):
        found = []
        for edge in edges:
            share, distance = self.project(edge, point)
            if distance <= within_m:
                (ax, ay), (bx, by) = self.points[self.tail[edge]], self.points[self.head[edge]]
                span = math.hypot(bx - ax, by - ay)
                found.append((edge, share, min(1.0, ON_STREET_M / span + 2 / 65536) if span else 1.0))
        return found

    def place_m(self, edge, share):
        """A place on an edge, in metres on the map."""
        (ax, ay), (bx, by) = self.points[self.tail[edge]], self.points[self.head[edge]]
        return ax + share * (bx - ax), ay + share * (by - ay)

    def from_segment_m(self, edge, lat, lon):
        """How far an edge is from a place, in metres."""
        return self.project(edge, self.point(lat, lon))[1]

    # Ways.

    def fastest(self, times, start):
        """Times from a node to all, and the nodes in order of them (Dijkstra)."""
        best = [math.inf] * len(self.coords)
        best[start] = 0
        order, heap = [], [(0, start)]
        while heap:
            time, node = heapq.heappop(heap)
            if time > best[node]:
                continue
            order.append(node)
            for edge in self.out[node]:
                head, reach = self.head[edge], time + times[edge]
                if reach < best[head]:
                    best[head] = reach
                    heapq.heappush(heap, (reach, head))
        return best, order

    def range_of(self, times, best, order, least_of, most_of):
        """The least and the most that the fastest ways to each node can add up to, in other weights than `times`."""
        least, most = [math.inf] * len(best), [-math.inf] * len(best)
        least[order[0]] = most[order[0]] = 0
        for node in order:
            for edge in self.out[node]:
                head = self.head[edge]
                if best[node] + times[edge] == best[head]:
                    least[head] = min(least[head], least[node] + least_of[edge])
                    most[head] = max(most[head], most[node] + most_of[edge])
        return least, most


def largest_part(nodes, edges):
    """Which nodes are in the largest strongly connected part; the one with the earliest node among equals (Kosaraju)."""
    forward, backward = [[] for _ in range(nodes)], [[] for _ in range(nodes)]
    for edge in edges:
        forward[edge[0]].append(edge[1])
        backward[edge[1]].append(edge[0])
    order, seen = [], [False] * nodes
    for root in range(nodes):
        if seen[root]:
            continue
        seen[root] = True
        stack = [(root, iter(forward[root]))]
        while stack:
            node, heads = stack[-1]
            for head in heads:
                if not seen[head]:
                    seen[head] = True
                    stack.append((head, iter(forward[head])))
                    break
            else:
                order.append(node)
                stack.pop()
    part, sizes = [None] * nodes, []
    for root in reversed(order):
        if part[root] is None:
            part[root] = len(sizes)
            members, stack = [root], [root]
            while stack:
                for head in backward[stack.pop()]:
                    if part[head] is None:
                        part[head] = len(sizes)
                        members.append(head)
                        stack.append(head)
            sizes.append((-len(members), min(members)))
    largest = sizes.index(min(sizes))
    return [p == largest for p in part]
