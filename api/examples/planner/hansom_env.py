#!/usr/bin/env python3
"""A Gymnasium environment: an agent decides who serves whom in a simulated city.

    pip install -r api/examples/planner/requirements.txt
    python3 api/examples/planner/hansom_env.py scenarios/small-town.toml --hansom target/release/hansom

An episode is a run of the scenario, a step one matching problem. The observation has a row for each of the rides that
have waited longest: seconds waited, then seconds until each of its nearest drivers would be there; -1: there is none. The action
has a number for each row: 0 leaves the ride open, n gives it to the n-th of its drivers (who is given to one ride only).
The reward is minus the seconds that riders waited open since the step before. `info["summary"]` of the last step has
the figures of the run, as `summary.json` has them.
"""

import argparse
import json
import socket
import subprocess
import tempfile

import gymnasium
import numpy


class DispatchEnv(gymnasium.Env):
    """The market of a scenario, of which the agent is the planner."""

    metadata = {"render_modes": []}

    def __init__(self, scenario, hansom="hansom", rides=16, drivers=8, changes=()):
        self.scenario, self.hansom, self.changes = scenario, hansom, tuple(changes)
        self.observation_space = gymnasium.spaces.Box(-1, numpy.inf, (rides, 1 + drivers), numpy.float32)
        self.action_space = gymnasium.spaces.MultiDiscrete([1 + drivers] * rides)
        self.run = self.folder = self.lines = self.talk = self.question = None

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.close()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            keys = ["policy.kind=external", f"policy.external.address=127.0.0.1:{listener.getsockname()[1]}",
                    "policy.external.timeout_ms=600000", *self.changes]
            seed = int(self.np_random.integers(1 << 31)) if seed is None else seed
            self.folder = tempfile.TemporaryDirectory()
            command = [self.hansom, "simulate", self.scenario, "--seed", str(seed), "--out", self.folder.name]
            command += ["--format", "json", "--quiet", *(word for key in keys for word in ("--set", key))]
            self.run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            listener.settimeout(0.1)
            while self.run.poll() is None:
                try:
                    self.talk, _ = listener.accept()
                    break
                except TimeoutError:
                    continue
        if self.talk is None:
            raise RuntimeError(f"the run of {self.scenario} ended before it asked anything")
        self.lines = self.talk.makefile("r")
        self.question = json.loads(self.lines.readline())
        return self._observation(), {}

    def step(self, action):
        taken, changes = set(), []
        for ride, choice in zip(self._shown(), action):
            arcs = self._nearest(ride)
            if 0 < choice <= len(arcs) and arcs[choice - 1]["driver"] not in taken:
                taken.add(arcs[choice - 1]["driver"])
                changes.append({"ride": ride["ride"], "driver": arcs[choice - 1]["driver"]})
        before = self.question
        self.talk.sendall((json.dumps({"basis": before["basis"], "changes": changes}) + "\n").encode())
        line = self.lines.readline()
        if not line:
            out, _ = self.run.communicate()
            if self.run.returncode:
                raise RuntimeError(f"the run of {self.scenario} ended with code {self.run.returncode}")
            self.question = {"rides": []}
            return self._observation(), 0.0, True, False, {"summary": json.loads(out)}
        self.question = json.loads(line)
        still_open = len(before["rides"]) - len(changes)
        waited_s = still_open * (self.question["at"] - before["at"]) / 1000
        return self._observation(), -waited_s, False, False, {}

    def close(self):
        if self.run is not None:
            for part in (self.lines, self.talk):
                if part is not None:
                    part.close()
            self.run.kill()
            self.run.wait()
            self.run.stdout.close()
            self.folder.cleanup()
        self.run = self.folder = self.lines = self.talk = None

    def _shown(self):
        rides = sorted(self.question["rides"], key=lambda ride: -ride["waited_ms"])
        return rides[: self.observation_space.shape[0]]

    def _nearest(self, ride):
        return sorted(ride["arcs"], key=lambda arc: arc["eta_ms"])[: self.observation_space.shape[1] - 1]

    def _observation(self):
        observation = numpy.full(self.observation_space.shape, -1, numpy.float32)
        for row, ride in zip(observation, self._shown()):
            seen = [ride["waited_ms"], *(arc["eta_ms"] for arc in self._nearest(ride))]
            row[: len(seen)] = numpy.array(seen) / 1000
        return observation


def main():
    parser = argparse.ArgumentParser(description="Two episodes: one that gives each ride its nearest driver, one by chance.")
    parser.add_argument("scenario")
    parser.add_argument("--hansom", default="hansom")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    env = DispatchEnv(arguments.scenario, arguments.hansom)
    nearest = numpy.ones(env.action_space.shape, int)
    for name, act in (("nearest", lambda: nearest), ("chance", env.action_space.sample)):
        env.action_space.seed(arguments.seed)
        env.reset(seed=arguments.seed)
        steps, total, over, info = 0, 0.0, False, {}
        while not over:
            _, reward, over, _, info = env.step(act())
            steps, total = steps + 1, total + reward
        summary = info["summary"]
        print(json.dumps({"agent": name, "steps": steps, "reward": round(total), "service_rate": summary["service_rate"],
                          "wait_s": summary["wait_s"]["mean"], "event_chain": summary["event_chain"]}))
    env.close()


if __name__ == "__main__":
    main()
