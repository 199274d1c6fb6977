"""A real PostgreSQL for tests: in a folder of its own, on a free port, as a user that it agrees to run as."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from tests.peers import ending_with_us, free_port, program

from pharos.secret import Secret

_PASSWORD = "CANARY-postgres"


class Postgres:
    """One server; `start` and `stop` may be called any number of times."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._folder = folder
        self._binaries = Path(program("postgresql")).parent
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self.port = free_port()
        (folder / "password").write_text(_PASSWORD)
        if os.getuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres", "postgres")
        self._run("initdb", "-D", str(folder / "data"), "-U", "pharos", "-A", "scram-sha-256", "--no-sync",
                  "--pwfile", str(folder / "password"), "--locale=C.UTF-8", "-E", "UTF8")  # fmt: skip

    def _as_whom(self) -> dict[str, Any]:
        # It refuses to run as root.
        return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(self._binaries / name), *arguments]
        done = subprocess.run(command, capture_output=True, check=False, cwd=self._folder, **self._as_whom())
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        """Start it unless it runs, and wait until it answers."""
        if self._process is not None:
            return
        settings = ["listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}"]
        settings += ["max_connections=60", "shared_buffers=16MB"]
        if not self._durable:
            settings += ["fsync=off", "full_page_writes=off"]
        command = [str(self._binaries / "postgres"), "-D", str(self._folder / "data"), "-p", str(self.port)]
        for setting in settings:
            command += ["-c", setting]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ending_with_us(command), stdout=log, stderr=log, cwd=self._folder, **self._as_whom()
            )
        for _ in range(600):
            assert self._process.poll() is None, (self._folder / "log").read_text()
            try:
                psycopg.connect(self.url("postgres").reveal(), connect_timeout=5).close()
            except psycopg.OperationalError:
                threading.Event().wait(0.05)
            else:
                return
        raise AssertionError((self._folder / "log").read_text())

    def stop(self, *, kill: bool = False) -> None:
        """Stop it: those who are connected are cut off; with `kill` as a loss of power would do."""
        if self._process is None:
            return
        if kill:
            self._run("pg_ctl", "-D", str(self._folder / "data"), "stop", "-m", "immediate")
        else:
            self._run("pg_ctl", "-D", str(self._folder / "data"), "stop", "-m", "fast")
        self._process.wait(60)
        self._process = None

    def url(self, database: str) -> Secret:
        """Return the address of a database."""
        return Secret(f"postgresql://pharos:{_PASSWORD}@127.0.0.1:{self.port}/{database}")

    def new_database(self, like: str = "") -> Secret:
        """Make a database, empty or with all that another one has, and return its address."""
        self._databases += 1
        name = f"d{self._databases}"
        # How others sort is not to matter.
        new = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C.UTF-8'"
        with psycopg.connect(self.url("postgres").reveal(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} {f'TEMPLATE {like}' if like else new}")
        return self.url(name)


@contextmanager
def postgres_at(*, durable: bool = False) -> Iterator[Postgres]:
    """Run a PostgreSQL over an empty folder, which goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="pharos-postgres-"))
    server = Postgres(folder, durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.stop(kill=True)
        shutil.rmtree(folder)
