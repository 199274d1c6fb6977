"""The unchecked machine instructions that kernels are made of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from pharos.compiled.kernel import kernel
from pharos.compiled.memory import copy_bytes, mul_128

U64 = st.integers(0, 2**64 - 1)

Bytes = npt.NDArray[np.uint8]


@settings(max_examples=100)
@given(U64, U64)
def test_the_product_is_exact(left: int, right: int) -> None:
    low, high = _product(np.uint64(left), np.uint64(right))
    assert (int(high) << 64 | int(low)) == left * right


@kernel
def _product(left: np.uint64, right: np.uint64) -> tuple[int, int]:
    return mul_128(left, right)  # type: ignore[no-any-return]


@kernel
def _copy(dst: Bytes, to: int, src: Bytes, origin: int, length: int) -> None:
    copy_bytes(dst, to, src, origin, length)


@settings(max_examples=60)
@given(st.binary(max_size=200), st.integers(0, 20), st.integers(0, 20))
def test_copied_bytes_arrive_and_their_neighbours_stay(content: bytes, origin: int, to: int) -> None:
    src = np.frombuffer(b"x" * origin + content, dtype=np.uint8)
    dst = np.full(to + len(content) + 5, 7, dtype=np.uint8)
    _copy(dst, to, src, origin, len(content))
    assert dst.tobytes() == b"\7" * to + content + b"\7" * 5
