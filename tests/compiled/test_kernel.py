"""Compiled code is kept by what it depends on, wherever it lies; the list of signatures is complete."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import types
from numba.core import config

from pharos.compiled.kernel import Kernel
from pharos.warm.signatures import FILE, read_signatures, signature_text

PRIMITIVE = """
from pharos.compiled.kernel import inlined_kernel, kernel

STEP = 3

@inlined_kernel
def primitive(value):
    '''Return more.'''
    return value + STEP

@kernel
def caller(values):
    total = 0
    for value in values:
        total += primitive(value)
    return total
"""
ARGUMENTS = (types.int64[::1],)


def keep_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep compiled code in `folder`; numba looks at the variable again when it compiles."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
    monkeypatch.setattr(config, "CACHE_DIR", str(folder))


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_in(tmp_path / "kept", monkeypatch)


def load(file: Path) -> Kernel:
    """Return `caller` of a module that is imported anew."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    found: Any = module.caller
    assert isinstance(found, Kernel)
    return found


def write(file: Path, text: str = PRIMITIVE) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    """A module whose kernel was compiled and called."""
    file = write(tmp_path / "one" / "summing.py")
    assert load(file)(np.arange(4)) == 6 + 4 * 3
    assert load(file).is_kept(ARGUMENTS)
    return file


def test_a_copy_with_other_times_keeps_what_was_compiled(compiled: Path, tmp_path: Path) -> None:
    copy = tmp_path / "two" / "summing.py"
    copy.parent.mkdir()
    shutil.copy(compiled, copy)
    os.utime(copy, (1, 1))
    before = Kernel.compiled_total
    assert load(copy)(np.arange(4)) == 18
    assert Kernel.compiled_total == before


@pytest.mark.parametrize(
    ("old", "new"), [("Return more", "Return much more"), ("STEP = 3", "# why\n\nSTEP = 3")]
)
def test_words_and_lines_do_not_count(compiled: Path, old: str, new: str) -> None:
    assert load(write(compiled, PRIMITIVE.replace(old, new))).is_kept(ARGUMENTS)


@pytest.mark.parametrize(
    ("old", "new", "total"), [("value + STEP", "value - STEP", -6), ("STEP = 3", "STEP = 4", 22)]
)
def test_an_edit_of_what_it_reaches_compiles_a_caller_anew(
    compiled: Path, old: str, new: str, total: int
) -> None:
    edited = load(write(compiled, PRIMITIVE.replace(old, new)))
    assert not edited.is_kept(ARGUMENTS)
    assert edited(np.arange(4)) == total


def test_a_folder_that_takes_nothing_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_in(write(tmp_path / "no" / "folder", "a file"), monkeypatch)
    unkept = load(write(tmp_path / "one" / "summing.py"))
    assert unkept(np.arange(4)) == 18
    assert not load(tmp_path / "one" / "summing.py").is_kept(ARGUMENTS)


def test_damaged_code_is_made_anew(compiled: Path, tmp_path: Path) -> None:
    (kept,) = tmp_path.rglob("*.nbc")
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(content)
    before = Kernel.compiled_total
    assert load(compiled)(np.arange(4)) == 18
    assert Kernel.compiled_total == before + 1
    assert load(compiled)(np.arange(4)) == 18
    assert Kernel.compiled_total == before + 1


_LOADED = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from summing import caller
assert caller(np.arange(4)) == 6 + 4 * 3
print(type(caller).compiled_total, "numba.np.arraymath" in sys.modules)
"""


def test_code_that_is_kept_is_loaded_without_what_compiles(compiled: Path) -> None:
    command = [sys.executable, "-c", _LOADED, str(compiled.parent)]
    assert subprocess.check_output(command, text=True).split() == ["0", "False"]


def test_constants_are_arguments_like_any_other(tmp_path: Path) -> None:
    text = PRIMITIVE + "\n@kernel\ndef many():\n    return primitive(1) + primitive(2) + primitive(3)\n"
    load(write(tmp_path / "one" / "constants.py", text))
    module: Any = sys.modules["constants"]
    assert module.many() == 6 + 9
    assert len(module.primitive._parts) == 1  # noqa: SLF001 - nothing else tells what callers got


_CALLED = """
import json
from pharos.clock import SystemClock
from tests.compiled.exercise import called, exercise
exercise(SystemClock())
print(json.dumps(called()))
"""


def test_the_list_of_signatures_is_what_a_server_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a change of kernels: `python -m tests.compiled.exercise`."""
    monkeypatch.undo()
    listed = [signature_text(one.find(), one.arguments) for one in read_signatures()]
    groups = json.loads(FILE.read_text())
    assert listed == [*groups["first"], *groups["rest"]]
    # In a process of its own: other tests call kernels with what no server does.
    found = json.loads(subprocess.check_output([sys.executable, "-c", _CALLED], text=True))
    assert [line for line in found if line not in listed] == []
    assert {line[0] for line in listed} <= {line[0] for line in found}
