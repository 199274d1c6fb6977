"""Of the runs of two checkouts the quick ones are told: what else the machine does only ever adds."""

from __future__ import annotations

from bench.versus import Runs


def test_the_least_and_the_lower_quartile_are_told() -> None:
    runs = Runs(wall_s=[9.0, 3.0, 1.0, 2.0, 5.0], cpu_s=[0.5, 0.2, 0.4, 0.1, 9.0])
    assert runs.low() == (1.0, 2.0, 0.1, 0.2)
