"""`pharos run exec`: a command that is a run, told of from beside it.

The command is what matters: it begins at once, its output passes through, its exit code is handed on, and a
server that cannot be reached keeps nothing of that from happening.
"""

from __future__ import annotations

import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Annotated, Any, Final, Self

import typer
from msgspec import Struct, field

from pharos.clock import Clock, SystemClock
from pharos.commands.accounts import FOLDER, FolderOption, ServerOption, TenantOption, asked
from pharos.commands.ask import Asked
from pharos.commands.screen import ERR
from pharos.config import process_environment
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration
from pharos.outbound import Reply

RUN_VARIABLE: Final = "PHAROS_RUN_ID"
"""By which the command, and what it calls, knows which run it is."""
_EVENTS: Final = "POST /api/v1/runs"
_LOGS: Final = "POST /v1/logs"
_LEAST_EVERY_MS: Final = 1_000
_ERROR_MOST: Final = 16_000
_TAIL_LINES: Final = 200
_LINE_MOST: Final = 4_000
_ERROR_LINES: Final = 20
_REQUEST_S: Final = 10.0
_NOT_FOUND: Final = 127
_NOT_RUN: Final = 126
_SIGNALLED: Final = 128
"""What shells add to the number of the signal that ended a command."""
_OK: Final = 200
_INFO: Final = 9
_WARN: Final = 13
_FORWARDED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Tail(Struct):
    """The last lines that a command wrote, of both its streams in the order in which they came."""

    clock: Clock
    lines: deque[tuple[int, bool, str]] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))

    def pass_on(self, source: IO[bytes], to: IO[bytes], *, is_error: bool) -> None:
        """Write what comes of a stream to another one, until it ends, and keep its last lines."""
        with source:
            for line in iter(lambda: source.readline(_LINE_MOST), b""):
                with suppress(OSError, ValueError):
                    # Whoever read our output may be gone; the command goes on.
                    to.write(line)
                    to.flush()
                text = line.decode(errors="replace").rstrip("\r\n").replace("\0", "")
                self.lines.append((self.clock.now_ns(), is_error, text))

    def text(self) -> str:
        """Return the last few lines."""
        return "\n".join(text for _, _, text in list(self.lines)[-_ERROR_LINES:])


class _Teller(threading.Thread):
    """Tells the server what happens, in order, beside the command."""

    def __init__(self, there: Asked) -> None:
        super().__init__(daemon=True)
        self._there = there
        self._waiting: queue.SimpleQueue[tuple[str, dict[str, Any]] | None] = queue.SimpleQueue()
        self._is_warned = False

    def tell(self, address: str, body: dict[str, Any]) -> None:
        """Have it told once all before was."""
        self._waiting.put((address, body))

    def finish(self, within_s: float) -> None:
        """Return when all is told, or after some time."""
        self._waiting.put(None)
        self.join(within_s)

    def run(self) -> None:
        """Tell until the end."""
        lost: list[dict[str, Any]] = []
        while (said := self._waiting.get()) is not None:
            address, body = said
            try:
                if address == _EVENTS:
                    # What could not be told before is told together with what comes next.
                    lost += body["events"]
                    self._there.data(address, {"events": lost})
                    lost = []
                else:
                    self._logged(self._there.reply(address, body))
            except PharosError as exc:
                self._warn(exc)

    def _logged(self, reply: Reply) -> None:
        """Raise PharosError unless log lines were taken."""
        if reply.status != _OK:
            raise PharosError(Kind.UNAVAILABLE, f"log lines are not taken: {reply.status} {reply.reason}")

    def _warn(self, error: PharosError) -> None:
        if not self._is_warned:
            self._is_warned = True
            ERR.print(f"pharos: the run is not told of: {error}", markup=False)


def execute(
    name: Annotated[str, typer.Argument(help="Of the workflow.")],
    command: Annotated[
        list[str], typer.Argument(help="What is run, after --.", metavar="-- COMMAND...", show_default=False)
    ],
    run_id: Annotated[
        str, typer.Option("--id", help="The run's id.", show_default="one that nothing else has")
    ] = "",
    owner: Annotated[str, typer.Option(help="Who answers for it.", show_default=False)] = "",
    version: Annotated[str, typer.Option(help="Of the workflow's code.", show_default=False)] = "",
    parent: Annotated[
        str, typer.Option(help="The run that started this one.", envvar=RUN_VARIABLE, show_default=False)
    ] = "",
    within: Annotated[str, typer.Option(help="It must be over within this time.", show_default=False)] = "",
    heartbeat: Annotated[str, typer.Option(help="A sign of life is given so often.")] = "30s",
    schedule: Annotated[
        str, typer.Option(help="When it runs, as cron has it: '0 2 * * *'.", show_default=False)
    ] = "",
    logs: Annotated[bool, typer.Option(help="Send the last lines of its output as log lines.")] = True,
    tenant: TenantOption = None,
    server: ServerOption = None,
    data: FolderOption = FOLDER,
) -> None:
    """Run a command as a run: its exit code, how long it took, the end of what it wrote.

    Options come before the name. The command's exit code is this one's.
    """
    words = command[1:] if command[:1] == ["--"] else command
    if not words:
        raise PharosError(Kind.INVALID, "there is no command after --")
    every_ms = parse_duration(heartbeat)
    if every_ms < _LEAST_EVERY_MS:
        raise PharosError(Kind.INVALID, "--heartbeat is 1s at least")
    run = _Run(run_id or f"{name[:200]}-{secrets.token_hex(8)}", name, SystemClock())
    first = run.event(
        "start",
        owner=owner,
        version=version,
        parent=parent,
        node=socket.gethostname(),
        service=name,
        heartbeat_every_ms=every_ms,
        deadline_ms=run.clock.now_ms() + parse_duration(within) if within else None,
        schedule={"cron": schedule} if schedule else None,
        # Arguments are not told: a password may stand among them.
        attributes={"command": Path(words[0]).name, "host": socket.gethostname()},
    )
    there = asked(server, data, tenant)
    teller = _Teller(Asked(there.server, there.headers, _REQUEST_S))
    raise typer.Exit(_told(words, run, teller, first, sends_logs=logs))


def _told(
    words: Sequence[str], run: _Run, teller: _Teller, first: dict[str, Any], *, sends_logs: bool
) -> int:
    """Run a command and tell of it; return its exit code."""
    teller.start()
    teller.tell(_EVENTS, {"events": [first]})
    tail = _Tail(run.clock)
    code, said = _run_command(words, run, tail, teller, first["heartbeat_every_ms"] / 1000)
    state = "succeeded" if code == 0 else "aborted" if code > _SIGNALLED else "failed"
    error = f"{said}\n{tail.text()}".strip() if code else ""
    last = run.event("end", state=state, error=error[:_ERROR_MOST], attributes={"exit_code": code})
    teller.tell(_EVENTS, {"events": [last]})
    if sends_logs and tail.lines:
        teller.tell(_LOGS, run.logs(tail))
    teller.finish(_REQUEST_S * 2)
    return code


class _Run(Struct, frozen=True):
    """A run of a command."""

    run_id: str
    workflow: str
    clock: Clock

    def event(self, kind: str, **said: Any) -> dict[str, Any]:
        """Return an event of it."""
        now_ms = self.clock.now_ms()
        given = {name: value for name, value in said.items() if value not in ("", None)}
        place = {"run_id": self.run_id, "workflow": self.workflow, "kind": kind, "time_ms": now_ms}
        return {**place, "id": f"exec:{kind}:{now_ms}:{secrets.token_hex(4)}", **given}

    def logs(self, tail: _Tail) -> dict[str, Any]:
        """Return the last lines as an OTLP request."""
        records = [
            {
                "timeUnixNano": str(at_ns),
                "severityNumber": _WARN if is_error else _INFO,
                "body": {"stringValue": text},
                "attributes": [_pair("workflow.run_id", self.run_id), _pair("workflow.name", self.workflow)],
            }
            for at_ns, is_error, text in list(tail.lines)
        ]
        resource = {
            "attributes": [_pair("service.name", self.workflow), _pair("host.name", socket.gethostname())]
        }
        return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}


def _pair(name: str, value: str) -> dict[str, Any]:
    return {"key": name, "value": {"stringValue": value}}


def _run_command(
    words: Sequence[str], run: _Run, tail: _Tail, teller: _Teller, every_s: float
) -> tuple[int, str]:
    """Run a command to its end; return its exit code as shells tell it, and what is to be said of it."""
    environment = {**process_environment(), RUN_VARIABLE: run.run_id}
    with _Signals() as signals:
        try:
            process = subprocess.Popen(  # noqa: S603 - what the user says
                list(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
            )
        except OSError as exc:
            said = f"{words[0]}: {os.strerror(exc.errno or 0)}"
            ERR.print(f"pharos: {said}", markup=False)
            return (_NOT_FOUND if isinstance(exc, FileNotFoundError) else _NOT_RUN), said
        signals.pass_to(process)
        readers = _readers(process, tail)
        code = _beat_until_over(process, run, teller, every_s)
    for reader in readers:
        # What the command left running may hold its output open.
        reader.join(1.0)
    if code < 0:
        return _SIGNALLED - code, f"ended by {signal.Signals(-code).name}"
    return code, f"exit code {code}"


def _readers(process: subprocess.Popen[bytes], tail: _Tail) -> list[threading.Thread]:
    """Pass on what a process writes from now on; return the threads that do."""
    streams = ((process.stdout, sys.stdout.buffer, False), (process.stderr, sys.stderr.buffer, True))
    readers = [
        threading.Thread(target=tail.pass_on, args=(source, to), kwargs={"is_error": is_error}, daemon=True)
        for source, to, is_error in streams
        if source is not None
    ]
    for reader in readers:
        reader.start()
    return readers


class _Signals:
    """Hands signals that would end us on to the command, whose end we wait for."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in _FORWARDED:
            self._before[number] = signal.signal(number, self._come)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _come(self, number: int, _: object) -> None:
        if self._process is None:
            self._early.append(number)
        else:
            self._process.send_signal(number)

    def pass_to(self, process: subprocess.Popen[bytes]) -> None:
        """Hand on to this process, what came before it was there too."""
        self._process = process
        for number in self._early:
            process.send_signal(number)


def _beat_until_over(process: subprocess.Popen[bytes], run: _Run, teller: _Teller, every_s: float) -> int:
    while True:
        try:
            return process.wait(every_s)
        except subprocess.TimeoutExpired:
            teller.tell(_EVENTS, {"events": [run.event("heartbeat")]})
