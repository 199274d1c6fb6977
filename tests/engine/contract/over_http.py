"""A second implementation of the engine's door: a store in another process, spoken to over HTTP.

Neither a double that pretends to know SQL nor a recording that knows only what was asked before: statements
are carried out by a real engine, but nothing is shared with it, as with a server on another machine. What
the client here needs of the door, an implementation for such a server needs too.

Run as a program it is the server: `python over_http.py FOLDER`, which prints its port. `POST /read`,
`/control`, `/load`, `/cancel`, `/snapshot` and `/restore` take statements as text and blocks in the Native
format, and answer in Arrow's format of streams.
"""

# ruff: noqa: SLF001 - the server passes on what the engine itself reads and writes, below the door

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
from msgspec.structs import asdict

from pharos.engine import EngineStatus, Limits, Session, Snapshot, Writers, faults
from pharos.engine.native import Column, block_pieces
from pharos.engine.sql import Statement, string
from pharos.errors import Kind, PharosError

T = TypeVar("T")

_LOAD = (
    "min_insert_block_size_rows=1000000000, min_insert_block_size_bytes=0, max_insert_block_size=1000000000,"
    " async_insert=0, max_partitions_per_insert_block=0"
)


_REFUSED = 503
"""The status of what the server's own door has refused; of what the engine has, its words are sent."""


class RemoteEngine:
    """The client: an engine of which this process knows an address."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._name = uuid.uuid4().hex
        self._tags = itertools.count(1)
        self._controlling = threading.Lock()

    @property
    def writers(self) -> Writers:
        return Writers.OTHERS_TOO

    def post(self, path: str, body: bytes) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
        try:
            connection.request("POST", path, body)
            answer = connection.getresponse()
            content = answer.read()
        except OSError as exc:
            raise PharosError(Kind.UNAVAILABLE, f"the store is not there: {exc}") from exc
        finally:
            connection.close()
        if answer.status == _REFUSED:
            kind, _, message = content.decode().partition("\n")
            raise PharosError(Kind(kind), message)
        if answer.status != 200:
            raise faults.reading_error(content.decode())
        return content

    def session(self) -> RemoteSession:
        return RemoteSession(self, f"{self._name}-{next(self._tags)}", "/read")

    def run_blocking(self, work: Callable[[Session], T]) -> T:
        return work(self.session())

    def control(self, work: Callable[[Any], T]) -> T:
        with self._controlling:
            return work(RemoteSession(self, f"{self._name}-control", "/control"))

    def load(self, table: str, rows: int, columns: Sequence[Column], *, token: str) -> None:
        into = f"{table} ({', '.join(column.name for column in columns)})"
        settings = f"{_LOAD}, insert_deduplication_token={string(token)}"
        head = json.dumps({"into": into, "settings": settings}).encode()
        self.post("/load", head + b"\n" + b"".join(bytes(one) for one in block_pieces(rows, columns)))

    def snapshot(self, folder: Path) -> Snapshot:
        return Snapshot(**json.loads(self.post("/snapshot", str(folder).encode())))

    def restore(self, source: Path, parts: Mapping[str, Sequence[str]]) -> dict[str, int]:
        asked = {"source": str(source), "parts": {table: list(names) for table, names in parts.items()}}
        rows: dict[str, int] = json.loads(self.post("/restore", json.dumps(asked).encode()))
        return rows

    def status(self) -> EngineStatus:
        return EngineStatus(**json.loads(self.post("/status", b"")))

    def close(self) -> None:
        """Nothing is held between two requests."""


class RemoteSession:
    """Statements that are sent one by one."""

    def __init__(self, engine: RemoteEngine, tag: str, path: str) -> None:
        self._engine = engine
        self._tag = tag
        self._path = path
        self.cancelled = False

    def query(self, statement: Statement, *, purpose: str, limits: Limits | None = None) -> pa.Table:
        if self.cancelled:
            raise PharosError(Kind.CANCELLED, "the query was cancelled")
        bound = limits or Limits()
        settings = (
            f" SETTINGS max_execution_time={bound.time_s:.3f}, max_memory_usage={bound.memory_bytes},"
            f" max_result_rows={bound.result_rows}, result_overflow_mode='throw',"
            f" output_format_arrow_compression_method='none', log_comment={string(self._tag)}"
        )
        content = self._engine.post(self._path, (statement.text + settings).encode())
        return pa.ipc.open_stream(content).read_all() if content else pa.table({})

    def stream(
        self,
        statement: Statement,
        take: Callable[[pa.RecordBatch], None],
        *,
        purpose: str,
        limits: Limits | None = None,
    ) -> None:
        for batch in self.query(statement, purpose=purpose, limits=limits).to_batches(max_chunksize=1_000):
            if self.cancelled:
                raise PharosError(Kind.CANCELLED, "the query was cancelled")
            take(batch)

    def execute(self, text: str) -> None:
        self._engine.post(self._path, text.encode())

    def cancel(self) -> None:
        self.cancelled = True
        self._engine.post("/cancel", self._tag.encode())


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[RemoteEngine]:
    """Start a server over the folder, and give its engine."""
    process = subprocess.Popen([sys.executable, __file__, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield RemoteEngine(int(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


# -- the server --


def _handler(engine: Any) -> type[BaseHTTPRequestHandler]:
    controlling = threading.Lock()

    def read(body: bytes) -> bytes:
        with engine._reading.lent(lambda: None) as session:
            return _answer(session, body)

    def control(body: bytes) -> bytes:
        with controlling:
            answer: bytes = engine.control(lambda session: _answer(session, body))
            return answer

    def load(body: bytes) -> bytes:
        head, _, block = body.partition(b"\n")
        asked = json.loads(head)
        work = engine._loading.submit(
            lambda session: session.insert(asked["into"], asked["settings"], [block])
        )
        work.result()
        return b""

    def cancel(body: bytes) -> bytes:
        engine._cancel(body.decode())
        return b""

    def snapshot(body: bytes) -> bytes:
        taken = engine.snapshot(Path(body.decode()))
        return json.dumps({"schema": taken.schema, "rows": taken.rows}).encode()

    def restore(body: bytes) -> bytes:
        asked = json.loads(body)
        return json.dumps(engine.restore(Path(asked["source"]), asked["parts"])).encode()

    def status(_body: bytes) -> bytes:
        found = engine.status()
        return json.dumps(asdict(found)).encode()

    paths = {f.__name__: f for f in (read, control, load, cancel, snapshot, restore, status)}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                code, content = 200, paths[self.path[1:]](body)
            except PharosError as exc:
                code, content = _REFUSED, f"{exc.kind.value}\n{exc.message}".encode()
            except RuntimeError as exc:
                code, content = 500, str(exc).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _answer(session: Any, body: bytes) -> bytes:
    """Return the engine's own answer; what it refuses is raised with its words, as a server sends them."""
    try:
        result = session._connection.query(body.decode(), "ArrowStream")
    except RuntimeError:
        session._discard_rest()
        raise
    view = result.get_memview()
    return bytes(view.view()) if len(view) else b""


def _serve(folder: Path) -> None:
    from pharos.engine.embedded.store import open_engine  # noqa: PLC0415 - the client has none

    with open_engine(folder) as engine:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(engine))
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
