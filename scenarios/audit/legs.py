"""How long and how far a way from place to place may be: a fastest way of the dispatcher's belief, at the world's speed."""

import math
import multiprocessing
from collections import namedtuple

# Times are whole ms and lengths whole mm, parts of edges are rounded down.
ROUNDING_MS = 4
ROUNDING_MM = 4

# From `origin` to `target` (places as streets.standing gives them), from `start` until `end`.
Question = namedtuple("Question", "start end origin target")

# `least`: the shortest time at the world's fastest, ms. `ways`: the way that the dispatcher believes the fastest at the start;
# several where a place is at a crossing, since a hand's breadth beyond it in a one-way street is another place.
Answer = namedtuple("Answer", "least ways")

# The time that the dispatcher believes, ms, and bounds of the length and of the true time: equally fast ways differ in them.
Way = namedtuple("Way", "belief mm world")

# Searches that a process keeps at a time: one takes about 1 MB in a city of 4,000 crossings.
KEPT = 200


class Judge:
    """Answers many questions at once, on all processors."""

    def __init__(self, streets, traffic, processes):
        self.streets, self.traffic, self.processes = streets, traffic, processes

    def answers(self, questions):
        """An answer for each question; None where an end is not on a street."""
        work = {}
        for index, asked in enumerate(questions):
            if asked.origin and asked.target:
                key = self.streets.version(asked.start), self.traffic.key(asked.start, asked.end)
                work.setdefault(key, []).append(index)
        pieces = []
        for key, indices in work.items():
            # Those who leave by the same edge share a search.
            indices.sort(key=lambda index: questions[index].origin[0])
            size = max(200, len(indices) // (4 * self.processes) + 1)
            pieces += [(key, indices[n : n + size]) for n in range(0, len(indices), size)]
        global SHARED
        SHARED = self, questions
        if self.processes > 1 and len(pieces) > 1:
            with multiprocessing.get_context("fork").Pool(self.processes) as pool:
                done = pool.map(answer_piece, pieces, chunksize=1)
        else:
            done = map(answer_piece, pieces)
        answers = [None] * len(questions)
        for (_, indices), found in zip(pieces, done):
            for index, answer in zip(indices, found):
                answers[index] = answer
        return answers

    def piece(self, key, asked):
        version, world_key = key
        search = Searches(self.streets, self.streets.times_ms[version], *self.traffic.bounds(world_key))
        return [search.answer(question.origin, question.target) for question in asked]


class Searches:
    """Searches from crossings, under the dispatcher's weights and the world's least and most."""

    def __init__(self, streets, belief, fast, slow):
        self.streets, self.belief, self.fast, self.slow = streets, belief, fast, slow
        self.done = {}

    def search(self, node):
        if node not in self.done:
            if len(self.done) >= KEPT:
                self.done.clear()
            best, order = self.streets.fastest(self.belief, node)
            lengths = self.streets.range_of(self.belief, best, order, self.streets.length_mm, self.streets.length_mm)
            world = self.streets.range_of(self.belief, best, order, self.fast, self.slow)
            least, _ = self.streets.fastest(self.fast, node)
            self.done[node] = best, lengths, world, least
        return self.done[node]

    def answer(self, origin, target):
        least, ways = math.inf, []
        for start in self.meanings(origin):
            for end in self.meanings(target):
                found = [option for first in start for last in end for option in self.options(first, last)]
                least = min(least, min(option[4] for option in found))
                # A place is known to some share of its edge, so ways that are hardly slower may have been the fastest.
                limit = min(belief + slack for belief, slack, _, _, _ in found) + ROUNDING_MS
                taken = [option for option in found if option[0] - option[1] <= limit]
                mm = min(option[2][0] for option in taken), max(option[2][1] for option in taken)
                world = min(option[3][0] for option in taken), max(option[3][1] for option in taken)
                ways.append(Way(min(option[0] for option in found), mm, world))
        return Answer(least, ways)

    def meanings(self, places):
        """What a place may mean: one edge, with the same street driven the other way."""
        by_edge = {place[0]: place for place in places}
        meanings = {}
        for place in places:
            turned = by_edge.get(self.streets.twin[place[0]])
            pair = [place] if turned is None else sorted([place, turned])
            meanings[tuple(edge for edge, _, _ in pair)] = pair
        return meanings.values()

    def options(self, first, last):
        """The ways from a place on one edge to one on another: over the crossings, and along the edge if it is the same."""
        best, lengths, world, shortest = self.search(self.streets.head[first[0]])
        tail = self.streets.tail[last[0]]
        between = best[tail], (lengths[0][tail], lengths[1][tail]), (world[0][tail], world[1][tail]), shortest[tail]
        yield self.way(first, 1 - first[1], last, last[1], between)
        ahead = last[1] - first[1]
        if first[0] == last[0] and ahead >= -(first[2] + last[2]):
            yield self.way(first, max(ahead, 0), last, 0, (0, (0, 0), (0, 0), 0))

    def way(self, first, left, last, reached, between):
        """Part of the first edge, what is between, and part of the last: time believed, its uncertainty, bounds of length
        and true time, and the shortest time in the world."""
        (edge, _, unsure), (end, _, vague) = first, last

        def part(of):
            return left * of[edge] + reached * of[end], unsure * of[edge] + vague * of[end]

        believed, lengths, truth, shortest = between
        belief, slack = part(self.belief)
        driven, wide = part(self.streets.length_mm)
        fast, hurry = part(self.fast)
        slow, delay = part(self.slow)
        return (
            believed + belief,
            slack,
            (lengths[0] + driven - wide, lengths[1] + driven + wide),
            (truth[0] + fast - hurry, truth[1] + slow + delay),
            shortest + fast - hurry,
        )


def answer_piece(piece):
    """Runs in a process of its own, which has inherited what it needs."""
    key, indices = piece
    judge, questions = SHARED
    return judge.piece(key, [questions[index] for index in indices])


SHARED = None
