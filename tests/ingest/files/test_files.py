"""Files are followed: lines joined, formats read, rotation survived, positions kept."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import re2
import yaml
from tests.ingest.listen.taker import FakeTaker, gathering

from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.ingest.files.formats import FileFormat, LineReader
from pharos.ingest.files.positions import Positions
from pharos.ingest.files.tail import FileSource, Tail

CASES: Final = yaml.safe_load((Path(__file__).parent / "join_cases.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_lines_that_belong_together_are_one_record(case: dict[str, Any]) -> None:
    start = re2.compile(case["start"]) if "start" in case else None
    reader = LineReader(FileFormat.of(case["parser"], start, 1000))
    found = [piece.text for number, line in enumerate(case["lines"]) for piece in reader.feed(line, number)]
    found += [piece.text for piece in reader.flush()]
    kept = found if "cri" in case["parser"] else [text for text in found if text]
    assert kept == case["records"]
    assert reader.start() is None


def test_what_is_held_is_bounded() -> None:
    reader = LineReader(FileFormat.of("java", None, 100))
    lines = ["java.lang.Error: x", *(f"\tat a.B.c(B.java:{number})" for number in range(50))]
    found = [piece for number, line in enumerate(lines) for piece in reader.feed(line, number)]
    assert len(found[0].text) <= 130
    partial = LineReader(FileFormat.of("cri", None, 100))
    for number in range(50):
        assert not list(partial.feed(f"2026-01-15T12:00:00Z stdout P {'x' * 10}", number))
    (joined,) = partial.feed("2026-01-15T12:00:00Z stdout F end", 50)
    assert (joined.text, joined.is_cut) == ("x" * 100, True)


class World:
    """A folder of files that are followed, by one process after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taker = FakeTaker()
        self.clock = FakeClock()

    @asynccontextmanager
    async def process(
        self, parser: str = "text", pattern: str = "*.log*", **more: Any
    ) -> AsyncIterator[Tail]:
        form = FileFormat.of(parser, None, more.pop("most", 1000))
        source = FileSource((str(self.folder / pattern),), form, **more)
        async with gathering("files", self.taker) as (_, gatherer):
            positions = Positions(self.folder / "positions.json")
            tail = Tail([source], gatherer, positions, self.clock, self.taker.pause)
            yield tail
            tail.close()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        with path.open("a") as file:
            file.write(text)
        return path

    async def steps(self, tail: Tail, count: int = 6) -> list[Any]:
        before = len(self.taker.lines())
        for _ in range(count):
            await tail.step()
        return self.taker.lines()[before:]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_what_is_added_is_read_with_its_path_and_attributes(world: World) -> None:
    path = world.write("a.log", "one\r\ntwo\n\nunfinished")
    async with world.process(attributes={"service.name": "shop"}) as tail:
        assert await world.steps(tail) == ["one", "two"]
        world.write("a.log", " line\n")
        assert await world.steps(tail) == ["unfinished line"]
    found = world.taker.records()
    assert found[0]["resource"] == {"log.file.path": str(path), "service.name": "shop"}
    times = [one["ts"] for one in found]
    assert times == sorted(set(times)), "lines that were read together stay in their order"


async def test_another_process_goes_on_where_the_last_one_was(world: World) -> None:
    world.write("a.log", "one\ntwo\nunfini")
    async with world.process() as tail:
        assert await world.steps(tail) == ["one", "two"]
    world.write("a.log", "shed\nthree\n")
    async with world.process() as tail:
        assert await world.steps(tail) == ["unfinished", "three"]
    async with world.process() as tail:
        assert await world.steps(tail) == []


async def test_a_trace_that_was_held_when_the_process_ended_is_read_again(world: World) -> None:
    world.write("a.log", "before\njava.lang.Error: x\n\tat a.B.c(B.java:1)\n")
    async with world.process("java") as tail:
        assert await world.steps(tail, 1) == ["before"]
    async with world.process("java") as tail:
        assert await world.steps(tail, 12) == ["java.lang.Error: x\n\tat a.B.c(B.java:1)"]


async def test_what_was_not_stored_is_read_again(world: World) -> None:
    world.write("a.log", "one\n")
    world.taker.reasons = [PharosError(Kind.UNAVAILABLE, "not now", retry_after_s=1.0)]
    async with world.process() as tail:
        assert await world.steps(tail) == ["one"]
    assert 1.0 in world.taker.paused


async def test_a_file_that_is_renamed_is_read_to_its_end(world: World) -> None:
    path = world.write("a.log", "one\n")
    async with world.process(pattern="a.log") as tail:
        assert await world.steps(tail) == ["one"]
        path.rename(world.folder / "a.log.1")
        world.write("a.log.1", "late\n")
        world.write("a.log", "new\n")
        assert sorted(await world.steps(tail)) == ["late", "new"]


async def test_a_file_that_is_renamed_within_the_pattern_is_read_once(world: World) -> None:
    path = world.write("a.log", "one\n")
    async with world.process() as tail:
        await world.steps(tail)
        path.rename(world.folder / "a.log.1")
        world.write("a.log", "new\n")
        assert await world.steps(tail) == ["new"]


async def test_a_file_that_is_copied_and_cut_is_read_once(world: World) -> None:
    first = "".join(f"line {number} of the first file\n" for number in range(10))
    path = world.write("a.log", first)
    async with world.process() as tail:
        assert len(await world.steps(tail)) == 10
        shutil.copy(path, world.folder / "a.log.1")
        os.truncate(path, 0)
        world.write("a.log", "after the cut\n")
        assert await world.steps(tail) == ["after the cut"]


async def test_a_line_that_is_too_long_is_cut_and_the_next_one_whole(world: World) -> None:
    world.write("a.log", "x" * 700_000 + "\nnext\n")
    async with world.process(most=10) as tail:
        assert await world.steps(tail, 8) == ["x" * 10, "next"]


async def test_old_files_are_left_where_only_what_comes_is_wanted(world: World) -> None:
    world.write("a.log", "old\n")
    async with world.process(from_start=False) as tail:
        assert await world.steps(tail) == []
        world.write("a.log", "new\n")
        world.write("b.log", "appeared\n")
        assert sorted(await world.steps(tail)) == ["appeared", "new"]


async def test_packed_and_excluded_files_are_left_out(world: World) -> None:
    for name in ("a.log", "a.log.gz", "b.log"):
        world.write(name, f"{name}\n")
    async with world.process(exclude=(str(world.folder / "b*"),)) as tail:
        assert await world.steps(tail) == ["a.log"]


async def test_lines_of_json_have_their_fields_and_time(world: World) -> None:
    world.write("a.log", '{"msg":"m","time":"2026-01-15T12:00:00Z","user":{"id":7}}\nplain\n[1]\n')
    async with world.process("json") as tail:
        assert await world.steps(tail) == ["m", "plain", "[1]"]
    first = world.taker.records()[0]
    assert first["ts"] == 1_768_478_400_000_000_000
    assert first["attributes"] == {"time": "2026-01-15T12:00:00Z", "user.id": 7}


async def test_paths_of_kubernetes_name_pod_and_container(world: World) -> None:
    folder = world.folder / "pods/shop_web-1_0f2a/app"
    folder.mkdir(parents=True)
    (folder / "0.log").write_text("2026-01-15T12:00:00.5Z stderr F hello\n")
    async with world.process("cri", "pods/*/*/*.log") as tail:
        assert await world.steps(tail) == ["hello"]
    (one,) = world.taker.records()
    assert one["attributes"] == {"log.iostream": "stderr"}
    assert one["ts"] == 1_768_478_400_500_000_000
    assert {name: value for name, value in one["resource"].items() if name != "log.file.path"} == {
        "k8s.container.name": "app",
        "k8s.namespace.name": "shop",
        "k8s.pod.name": "web-1",
        "k8s.pod.uid": "0f2a",
        "service.name": "app",
    }


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_text("{"), lambda path: path.write_text('{"a":5}')]
)
async def test_positions_that_cannot_be_read_are_none(world: World, damage: Callable[[Path], object]) -> None:
    damage(world.folder / "positions.json")
    world.write("a.log", "one\n")
    async with world.process() as tail:
        assert await world.steps(tail) == ["one"]


async def test_the_loop_goes_on_until_it_is_cancelled(world: World) -> None:
    async with world.process() as tail:
        running = asyncio.create_task(tail.run())
        world.write("a.log", "one\n")
        await world.taker.until(1)
        world.write("a.log", "two\n")
        await world.taker.until(2)
        running.cancel()
        await asyncio.wait((running,))
    assert world.taker.lines() == ["one", "two"]


async def test_a_time_that_is_too_old_to_be_found_by_is_an_attribute(world: World) -> None:
    world.write("a.log", "1999-01-15T12:00:00.5Z stderr F old\n2023-11-14T22:13:00Z stderr F new\n")
    async with world.process("cri", oldest_ns=86_400_000_000_000) as tail:
        assert await world.steps(tail) == ["old", "new"]
    old, new = world.taker.records()
    assert old["ts"] == world.clock.now_ns()
    assert old["attributes"] == {"log.iostream": "stderr", "log.time": "1999-01-15T12:00:00.500Z"}
    assert (new["ts"], new["attributes"]) == (1_699_999_980_000_000_000, {"log.iostream": "stderr"})
