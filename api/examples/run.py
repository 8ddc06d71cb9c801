"""Runs the examples and GraphiQL against a real server, as `cargo xtask examples` does: run.py HANSOM SCRATCH CHROMIUM

What they need besides Python 3.11 and Node 20 is got from PyPI and npm, in the versions that stand here, and put into SCRATCH. Between
the apps and the server stands a wire that breaks every few hundred milliseconds while the first rides are driven.
"""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

HERE = Path(__file__).parent
MARKET = """\
name = "town"
timezone = "Europe/Berlin"
network = { synthetic = "small-town" }
policy = { kind = "nearest" }
"""
RIDES = 6
BREAKS = 12


def prepare(scratch: Path) -> Path:
    """Installs the libraries; returns the Python that has them."""
    python = scratch / "venv/bin/python3"
    wanted = (HERE / "requirements.txt").read_text()
    known = scratch / "requirements.txt"
    if not known.exists() or known.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", scratch / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", HERE / "requirements.txt"], check=True)
        known.write_text(wanted)
    rider = scratch / "api/examples/rider"
    shutil.copytree(HERE / "rider", rider, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(HERE.parent / "operations", scratch / "api/operations", dirs_exist_ok=True)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=rider, check=True)
    subprocess.run(["npm", "run", "--silent", "build"], cwd=rider, check=True)
    return python


class Wire:
    """Stands between the apps and the server, and breaks when it is told to."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        server = await asyncio.start_server(self.join, "127.0.0.1", 0)
        return server.sockets[0].getsockname()[1]

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        there = None
        try:
            back, there = await asyncio.open_connection("127.0.0.1", self.port)
            async with asyncio.TaskGroup() as both:
                both.create_task(self.copy(reader, there))
                both.create_task(self.copy(back, writer))
        except (OSError, asyncio.CancelledError, ExceptionGroup):
            pass
        finally:
            self.tasks.discard(task)
            for end in (writer, there):
                if end:
                    end.transport.abort()

    @staticmethod
    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while piece := await source.read(1 << 16):
            target.write(piece)
            await target.drain()
        raise ConnectionError("closed")

    def snap(self) -> int:
        for task in list(self.tasks):
            task.cancel()
        return len(self.tasks)


@asynccontextmanager
async def serving(hansom: str, scratch: Path) -> AsyncIterator[int]:
    """A market that is empty, and the port of its server."""
    market = scratch / "town.toml"
    market.write_text(MARKET)
    shutil.rmtree(scratch / "data", ignore_errors=True)
    serve = [hansom, "serve", "--market", market, "--data", scratch / "data", "--listen", "127.0.0.1:0"]
    server = await asyncio.create_subprocess_exec(*serve, stdout=subprocess.PIPE)
    try:
        assert server.stdout
        first = (await server.stdout.readline()).decode()
        yield int(first.strip().rsplit(":", 1)[1])
    finally:
        server.terminate()
        await server.wait()


async def browse(hansom: str, scratch: Path, chromium: str) -> None:
    """GraphiQL in a browser."""
    folder = scratch / "api/tests/browser"
    shutil.copytree(HERE.parent / "tests/browser", folder, dirs_exist_ok=True)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
    async with serving(hansom, scratch) as port:
        arguments = [f"http://127.0.0.1:{port}", chromium, scratch / "graphiql.png"]
        browser = await asyncio.create_subprocess_exec("node", folder / "graphiql.js", *arguments)
        if await browser.wait() != 0:
            sys.exit("GraphiQL does not work in a browser")


async def drive(hansom: str, scratch: Path, python: Path) -> None:
    """All apps together, over a wire that breaks."""
    async with serving(hansom, scratch) as port:
        wire = Wire(port)
        address = f"http://127.0.0.1:{await wire.open()}/graphql"
        apps = {
            "operator": [python, HERE / "operate.py", address, str(RIDES)],
            "driver": [python, HERE / "driver.py", address, "d1", str(RIDES)],
            "rider": ["node", scratch / "api/examples/rider/rider.js", address, "r1", str(RIDES)],
        }
        running = {name: await asyncio.create_subprocess_exec(*app) for name, app in apps.items()}
        ends = {name: asyncio.create_task(app.wait()) for name, app in running.items()}
        broken = 0
        for _ in range(BREAKS):
            await asyncio.wait(ends.values(), timeout=0.4, return_when=asyncio.FIRST_COMPLETED)
            broken += wire.snap()
        done, late = await asyncio.wait(ends.values(), timeout=120)
        for app in running.values():
            if app.returncode is None:
                app.kill()
        failed = [name for name, end in ends.items() if end in late or end.result() != 0]
        print(f"{broken} connections were broken", flush=True)
        if failed or not broken:
            sys.exit(f"failed: {', '.join(failed) or 'nothing was broken'}")


async def main(hansom: str, scratch: Path, chromium: str) -> None:
    scratch.mkdir(parents=True, exist_ok=True)
    python = prepare(scratch)
    await browse(hansom, scratch, chromium)
    await drive(hansom, scratch, python)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).resolve(), sys.argv[3]))
