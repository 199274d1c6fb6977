"""Governance over each database of people's state."""

from tests.state.conftest import address, clock, new_address, postgres, state

__all__ = ["address", "clock", "new_address", "postgres", "state"]
