"""Every damage by its name (damage.yaml), and random damage: intact frames are found, none is invented."""

from __future__ import annotations

import random
import shutil
import zlib
from itertools import accumulate, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from tests.wal.walcases import WAIT_S, FrameTuple, OpenWal, append, contents, seal

from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.telemetry import REGISTRY
from pharos.wal import Wal
from pharos.wal.faulty import Fault, FaultyFiles

SIZES = [60, 0, 5000, 60, 300]
TENANT = "acme"
FRAMES: list[FrameTuple] = [
    (number, TENANT, number, bytes([65 + number]) * size) for number, size in enumerate(SIZES)
]
STARTS = list(accumulate((32 + len(TENANT) + size for size in SIZES), initial=40))
PARTS = {"start": 0, "sum": 28, "tenant": 32, "payload": 36}

CASES = YAML(typ="safe").load(Path(__file__).with_name("damage.yaml").read_text())


def write_segment(open_wal: OpenWal, frames: list[FrameTuple] = FRAMES, folder: Path | None = None) -> str:
    wal = open_wal(folder)
    for frame in frames:
        append(wal, *frame)
    segment = seal(wal)
    wal.close()
    assert segment is not None
    return segment


def place(spec: list[Any]) -> int:
    if spec[0] == "header":
        return int(spec[1])
    frame, part, offset = int(spec[0]), str(spec[1]), int(spec[2])
    return STARTS[frame + 1] + offset if part == "end" else STARTS[frame] + PARTS[part] + offset


def damage(content: bytes, edit: list[Any], rng: random.Random) -> bytes:
    operation, spec, *rest = edit
    at = place(spec)
    length = rest[0] if rest else 0
    match operation:
        case "truncate":
            return content[:at]
        case "flip":
            return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]
        case "zero":
            return content[:at] + bytes(length) + content[at + length :]
        case "random":
            return content[:at] + rng.randbytes(length) + content[at + length :]
        case "insert":
            return content[:at] + rng.randbytes(length) + content[at:]
        case "insert-zero":
            return content[:at] + bytes(length) + content[at:]
        case "cut":
            return content[:at] + content[at + length :]
    raise AssertionError(operation)


def damaged_bytes() -> float:
    return REGISTRY.get_sample_value("pharos_wal_damaged_bytes_total") or 0.0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_damage_is_set_aside_and_the_rest_survives(
    open_wal: OpenWal, tmp_path: Path, case: dict[str, Any]
) -> None:
    segment = write_segment(open_wal)
    path = tmp_path / "wal" / f"{segment}.wal"
    content = path.read_bytes()
    assert len(content) == STARTS[-1]
    for edit in case["edit"]:
        content = damage(content, edit, random.Random(7))
    path.write_bytes(content)
    counted = damaged_bytes()

    wal = open_wal()

    assert contents(wal) == [FRAMES[index] for index in case["survive"]]
    assert [one.reason for one in wal.recovery.damaged] == [reason for reason, _ in case["damaged"]]
    for found, (_, length) in zip(wal.recovery.damaged, case["damaged"], strict=True):
        assert found.file == path.name
        assert length in {None, found.length}
        assert found.kept is not None
        assert found.kept.read_bytes() == content[found.offset : found.offset + found.length]
    covered = sum(one.length for one in wal.recovery.damaged)
    assert damaged_bytes() - counted == covered
    assert wal.recovery.frames == len(case["survive"])
    assert path.exists() == bool(case["survive"])


def test_known_damage_is_not_counted_again_by_reading(open_wal: OpenWal, tmp_path: Path) -> None:
    segment = write_segment(open_wal)
    path = tmp_path / "wal" / f"{segment}.wal"
    path.write_bytes(damage(path.read_bytes(), ["flip", [2, "payload", 0]], random.Random(7)))
    wal = open_wal()
    counted = damaged_bytes()
    wal.read(segment)
    wal.read(segment)
    assert damaged_bytes() == counted


def test_damage_that_comes_later_is_set_aside_by_reading(open_wal: OpenWal, tmp_path: Path) -> None:
    wal = open_wal()
    for frame in FRAMES:
        append(wal, *frame)
    segment = seal(wal)
    assert segment is not None
    path = tmp_path / "wal" / f"{segment}.wal"
    path.write_bytes(damage(path.read_bytes(), ["flip", [2, "payload", 0]], random.Random(7)))
    counted = damaged_bytes()
    assert contents(wal) == [FRAMES[index] for index in (0, 1, 3, 4)]
    assert damaged_bytes() - counted == STARTS[3] - STARTS[2]
    assert len(list((tmp_path / "wal" / "damaged").iterdir())) == 1


def test_the_lost_secret_costs_no_frame(open_wal: OpenWal, tmp_path: Path) -> None:
    write_segment(open_wal)
    (tmp_path / "wal" / "sequence").write_bytes(b"1 99 rubbish\n")
    assert contents(open_wal()) == FRAMES


def test_a_newer_version_is_refused_before_anything_is_touched(open_wal: OpenWal, tmp_path: Path) -> None:
    damaged_one = write_segment(open_wal)
    newer = write_segment(open_wal)
    folder = tmp_path / "wal"
    first = folder / f"{damaged_one}.wal"
    first.write_bytes(first.read_bytes()[:-1])
    path = folder / f"{newer}.wal"
    head = bytearray(path.read_bytes())
    head[8] = 9
    head[32:36] = zlib.crc32(head[:32]).to_bytes(4, "little")
    path.write_bytes(head)
    before = {one: one.read_bytes() for one in folder.iterdir()}
    with pytest.raises(PharosError, match=f"{newer} has format version 9") as failure:
        open_wal()
    assert failure.value.kind is Kind.UNSUPPORTED
    assert {one: one.read_bytes() for one in folder.iterdir()} == before


def test_a_frame_smuggled_inside_of_a_payload_is_never_believed(open_wal: OpenWal, tmp_path: Path) -> None:
    """A client that knows another segment's bytes must not gain frames by damage to its own."""
    foreign = write_segment(open_wal, folder=tmp_path / "foreign")
    smuggled = (tmp_path / "foreign" / f"{foreign}.wal").read_bytes()
    frames: list[FrameTuple] = [(1, TENANT, 1, smuggled), (2, TENANT, 2, b"after")]
    segment = write_segment(open_wal, frames)
    path = tmp_path / "wal" / f"{segment}.wal"
    content = bytearray(path.read_bytes())
    content[48] ^= 1
    path.write_bytes(content)
    assert contents(open_wal()) == frames[1:]


def test_an_unreadable_block_costs_only_its_frames(open_wal: OpenWal) -> None:
    frames: list[FrameTuple] = [(1, "t", number, bytes([number]) * 4000) for number in range(20)]
    segment = write_segment(open_wal, frames)

    class BadSector(FaultyFiles):
        def read(self, fd: int, length: int, offset: int) -> bytes:
            if self._paths[fd].suffix == ".wal" and offset <= 40_000 < offset + length:
                raise OSError(5, "Input/output error")
            return super().read(fd, length, offset)

    wal = open_wal(files=BadSector())
    assert contents(wal) == frames[:9] + frames[11:]
    assert [one.file for one in wal.recovery.damaged] == [f"{segment}.wal"]


def test_damage_that_cannot_be_kept_is_still_told(open_wal: OpenWal, tmp_path: Path) -> None:
    segment = write_segment(open_wal)
    whole = write_segment(open_wal)
    for name, edit in ((segment, ["flip", [2, "payload", 0]]), (whole, ["zero", ["header", 0], 5722])):
        path = tmp_path / "wal" / f"{name}.wal"
        path.write_bytes(damage(path.read_bytes(), edit, random.Random(7)))
    files = FaultyFiles(faults=[Fault("make_folder", 28, "damaged", times=9)])
    wal = open_wal(files=files)
    assert [(one.file, one.kept) for one in wal.recovery.damaged] == [
        (f"{segment}.wal", None),
        (f"{whole}.wal", None),
    ]
    assert contents(wal) == [FRAMES[index] for index in (0, 1, 3, 4)]
    assert (tmp_path / "wal" / f"{whole}.wal").stat().st_size == 5722


def test_damaged_bytes_are_kept_up_to_a_bound_and_the_oldest_go_first(
    open_wal: OpenWal, tmp_path: Path
) -> None:
    names = [write_segment(open_wal) for _ in range(3)]
    for name in names:
        path = tmp_path / "wal" / f"{name}.wal"
        path.write_bytes(damage(path.read_bytes(), ["zero", ["header", 0], 5722], random.Random(7)))
    wal = open_wal(aside_bytes=12_000)
    assert len(wal.recovery.damaged) == 3
    kept = sorted(one.name for one in (tmp_path / "wal" / "damaged").iterdir())
    assert kept == [f"{name}.wal" for name in names[1:]]


def test_files_of_others_are_left_alone(open_wal: OpenWal, tmp_path: Path) -> None:
    folder = tmp_path / "wal"
    folder.mkdir()
    for name in ("notes.txt", "123.wal", "0000000000000000001.wal.draft"):
        (folder / name).write_bytes(b"mine")
    wal = open_wal()
    assert wal.sealed() == []
    assert wal.recovery.segments == 0
    assert (folder / "notes.txt").read_bytes() == (folder / "123.wal").read_bytes() == b"mine"


frame_lists = st.lists(
    st.tuples(
        st.integers(0, 255),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.integers(-(2**63), 2**63 - 1),
        st.one_of(st.binary(max_size=60), st.integers(0, 9000).map(bytes)),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150)
@given(frames=frame_lists, chooser=st.data())
def test_random_damage_costs_only_the_frames_it_touches(
    frames: list[FrameTuple], chooser: st.DataObject
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        wal = Wal.open(folder, clock=FakeClock())
        for frame in frames:
            append(wal, *frame)
        segment = seal(wal)
        wal.close()
        path = folder / f"{segment}.wal"
        content = bytearray(path.read_bytes())
        bounds = list(accumulate((32 + len(one[1].encode()) + len(one[3]) for one in frames), initial=40))
        assert len(content) == bounds[-1]
        positions = st.integers(0, len(content) - 1)
        touched = set(chooser.draw(st.lists(positions, max_size=4), "flipped bytes"))
        for position in touched:
            content[position] ^= chooser.draw(st.integers(1, 255), "flipped bits")
        end = chooser.draw(st.one_of(st.just(len(content)), positions), "length")
        path.write_bytes(content[:end])

        reopened = Wal.open(folder, clock=FakeClock())
        try:
            assert contents(reopened) == [
                frame
                for frame, (start, stop) in zip(frames, pairwise(bounds), strict=True)
                if stop <= end and not any(start <= position < stop for position in touched)
            ]
        finally:
            reopened.close()


def unsealed(open_wal: OpenWal, folder: Path, frames: list[FrameTuple]) -> Path:
    """Return a segment as a crash leaves it: made ahead, so longer than its frames."""
    wal = open_wal(folder / "living")
    for _ in range(1_000):  # the first one is begun before any was made ahead
        appended = [append(wal, *frame) for frame in frames]
        appended[-1].synced.result(WAIT_S)
        path = folder / "living" / f"{appended[-1].segment}.wal"
        if path.stat().st_size >= 64 * 1024:
            crashed = folder / "crashed"
            crashed.mkdir()
            for name in ("sequence", path.name):
                shutil.copy(path.with_name(name), crashed)
            return crashed / path.name
        seal(wal)
    raise AssertionError("no segment was made ahead")


def test_what_was_reserved_and_never_written_is_no_damage(open_wal: OpenWal, tmp_path: Path) -> None:
    frames = [*FRAMES, (9, TENANT, 9, bytes(200))]  # that ends in zeros of its own
    path = unsealed(open_wal, tmp_path, frames)
    assert path.stat().st_size > STARTS[-1] + 236
    counted = damaged_bytes()
    wal = open_wal(path.parent)
    assert contents(wal) == frames
    assert (wal.recovery.damaged, damaged_bytes()) == ((), counted)
    assert wal.recovery.bytes == STARTS[-1] + 32 + len(TENANT) + 200
    wal.close()
    assert contents(open_wal(path.parent)) == frames


def test_a_frame_torn_within_what_was_reserved_is_set_aside_without_the_rest(
    open_wal: OpenWal, tmp_path: Path
) -> None:
    path = unsealed(open_wal, tmp_path, FRAMES)
    content = path.read_bytes()
    torn = STARTS[-2] + PARTS["payload"] + 100  # of 300 bytes
    path.write_bytes(content[:torn] + bytes(len(content) - torn))
    wal = open_wal(path.parent)
    assert contents(wal) == FRAMES[:-1]
    assert [(one.offset, one.length) for one in wal.recovery.damaged] == [(STARTS[-2], torn - STARTS[-2])]


def test_zeros_at_the_end_of_a_sealed_segment_are_damage(open_wal: OpenWal, tmp_path: Path) -> None:
    segment = write_segment(open_wal)
    path = tmp_path / "wal" / f"{segment}.wal"
    with path.open("ab") as file:
        file.write(bytes(100))
    assert [one.reason for one in open_wal().recovery.damaged] == ["zero filled"]


def test_a_segment_that_cannot_be_made_longer_ahead_serves_as_well(open_wal: OpenWal, tmp_path: Path) -> None:
    wal = open_wal(files=FaultyFiles(faults=[Fault("reserve", 95, ".wal", times=100)]))
    for frame in FRAMES:
        appended = append(wal, *frame)
        appended.synced.result(WAIT_S)
    assert (tmp_path / "wal" / f"{appended.segment}.wal").stat().st_size == STARTS[-1]
    segment = seal(wal)
    assert segment is not None
    assert contents(wal) == FRAMES
