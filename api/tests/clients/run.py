"""Runs GraphiQL in a browser, clients that others wrote, and the apps of api/examples against the real server, as
`cargo xtask clients` does: run.py HANSOM CHROMIUM SCRATCH [CHECK…]

What they need besides Python 3.11 and Node is got from PyPI and npm, in the versions that stand beside this file and beside the apps, and
kept in SCRATCH.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wire import Wire

HERE = Path(__file__).resolve().parent
API = HERE.parent.parent
SCENARIO = API.parent / "scenarios/small-town.toml"
MARKET = """\
name = "town"
timezone = "Europe/Berlin"
network = { synthetic = "small-town" }
policy = { kind = "nearest" }
"""
# Whatever hangs has failed after so long.
WITHIN_S = 240
RIDES = 60
APP_RIDES = 8
CASES = 100


@dataclass
class Tools:
    """What the checks run, and where they leave things."""

    hansom: str
    chromium: str
    scratch: Path

    @property
    def python(self) -> Path:
        return self.scratch / "venv/bin/python3"

    @property
    def api(self) -> Path:
        """A copy of what npm needs, where it may leave its packages."""
        return self.scratch / "api"

    def get(self) -> None:
        """Installs what is not there yet as it is wanted now."""
        wanted = [HERE / "requirements.txt", API / "examples/requirements.txt"]
        wanted += [folder / "package-lock.json" for folder in (HERE, API / "examples/rider")]
        state, known = "".join(file.read_text() for file in wanted), self.scratch / "installed"
        for part in ("tests/clients", "examples/rider", "operations"):
            shutil.copytree(API / part, self.api / part, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        if not known.exists() or known.read_text() != state:
            known.unlink(missing_ok=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", self.scratch / "venv"], check=True)
            quiet = ["--quiet", "--disable-pip-version-check", "--no-cache-dir"]
            subprocess.run([self.python, "-m", "pip", "install", *quiet, "--requirement", wanted[0]], check=True)
            for folder in ("tests/clients", "examples/rider"):
                subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=self.api / folder, check=True)
            known.write_text(state)
        subprocess.run(["npm", "run", "--silent", "build"], cwd=self.api / "examples/rider", check=True)

    @asynccontextmanager
    async def serve(self, *arguments: str | Path) -> AsyncIterator[int]:
        """The port of a server that is ready, which has to end in good order."""
        data = self.scratch / "data"
        shutil.rmtree(data, ignore_errors=True)
        command = [self.hansom, "serve", *arguments, "--data", data, "--listen", "127.0.0.1:0"]
        with (self.scratch / "server.log").open("wb") as log:
            server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=log)
        assert server.stdout
        first = (await server.stdout.readline()).decode()
        assert "listening on" in first, (self.scratch / "server.log").read_text()
        port = int(first.strip().rsplit(":", 1)[1])
        try:
            await asyncio.to_thread(ready, port)
            yield port
        finally:
            if server.returncode is None:
                server.terminate()
            ended = await server.wait()
        assert ended == 0, f"the server ended with {ended}:\n{(self.scratch / 'server.log').read_text()}"

    @asynccontextmanager
    async def town(self) -> AsyncIterator[int]:
        """The port of a server of one empty market, which wants tokens."""
        market, secret = self.scratch / "town.toml", self.scratch / "secret"
        market.write_text(MARKET)
        secret.write_bytes(os.urandom(32).hex().encode())
        async with self.serve("--market", market, "--auth-secret-file", secret) as port:
            yield port

    def token(self, name: str, role: str) -> dict[str, str]:
        """The environment of an app that speaks for somebody."""
        make = [self.hansom, "token", name, "--role", role, "--auth-secret-file", self.scratch / "secret"]
        made = subprocess.run(make, check=True, capture_output=True, text=True)
        return os.environ | {"HANSOM_TOKEN": made.stdout.strip()}


def ready(port: int) -> None:
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").close()
            return
        except OSError:
            time.sleep(0.1)


async def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> None:
    """Runs a program to its end, which has to be good."""
    program = await asyncio.create_subprocess_exec(*command, env=env, cwd=cwd)
    try:
        ended = await asyncio.wait_for(program.wait(), WITHIN_S)
        assert ended == 0, f"{command[1]} ended with {ended}"
    finally:
        if program.returncode is None:
            program.kill()


async def graphiql(tools: Tools) -> None:
    """GraphiQL in Chromium, on a simulated city."""
    script = tools.api / "tests/clients/graphiql.mjs"
    async with tools.serve("--scenario", SCENARIO, "--speed", "10", "--insecure-dev") as port:
        await run("node", script, f"http://127.0.0.1:{port}", tools.chromium, tools.scratch / "graphiql")


async def graphql_ws(tools: Tools) -> None:
    """graphql-ws, over a wire that breaks."""
    async with tools.town() as port:
        wire = Wire(port, seed=1)
        addresses = [f"ws://127.0.0.1:{port}/graphql" for port in (await wire.open(), port)]
        script = tools.api / "tests/clients/graphql-ws.mjs"
        await run("node", script, *addresses, str(RIDES), env=tools.token("gateway", "service"))


async def gql(tools: Tools) -> None:
    """gql, over a wire that breaks."""
    async with tools.town() as port:
        wire = Wire(port, seed=2)
        addresses = [f"http://127.0.0.1:{port}/graphql" for port in (await wire.open(), port)]
        script = HERE / "with_gql.py"
        await run(tools.python, script, *addresses, str(RIDES), env=tools.token("gateway", "service"))


async def apps(tools: Tools) -> None:
    """The rider's, the driver's and the operator's app together, over a wire that breaks."""
    async with tools.town() as port:
        wire = Wire(port, seed=3)
        address, rides = f"http://127.0.0.1:{await wire.open()}/graphql", str(APP_RIDES)
        examples = API / "examples"
        async with asyncio.TaskGroup() as all_of_them:
            for command, env in (
                ([tools.python, examples / "operate.py", address, rides], tools.token("olga", "operator")),
                ([tools.python, examples / "driver.py", address, "ann", rides], tools.token("ann", "driver")),
                (["node", tools.api / "examples/rider/rider.js", address, "rob", rides], tools.token("rob", "rider")),
            ):
                all_of_them.create_task(run(*command, env=env))
        assert wire.broken > 5, f"{wire.broken} connections were broken"


async def schemathesis(tools: Tools) -> None:
    """Whatever the schema allows, and some that it does not: no answer is a fault of the server's."""
    async with tools.town() as port:
        token = tools.token("gateway", "service")
        options = ["--checks", "not_a_server_error,response_schema_conformance", "--max-examples", str(CASES)]
        options += ["--seed", "1", "--workers", "2", "--continue-on-failure", "--no-shrink", "--generation-database", "none"]
        header = f"Authorization: Bearer {token['HANSOM_TOKEN']}"
        env = token | {"SCHEMATHESIS_HOOKS": "hostile", "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
        program = tools.scratch / "venv/bin/schemathesis"
        await run(program, "run", f"http://127.0.0.1:{port}/graphql", "--header", header, *options, env=env, cwd=tools.scratch)


CHECKS: list[Callable[[Tools], Awaitable[None]]] = [graphiql, graphql_ws, gql, apps, schemathesis]


async def main(hansom: str, chromium: str, scratch: Path, names: list[str]) -> None:
    tools = Tools(hansom, chromium, scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    tools.get()
    for check in CHECKS:
        if not names or check.__name__ in names:
            print(f"\n-- {check.__name__}: {check.__doc__}", flush=True)
            began = time.monotonic()
            await check(tools)
            print(f"-- {check.__name__}: {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]).resolve(), sys.argv[4:]))
