"""Protected policies: a change of one needs a proposal, and a quorum of those who may approve it.

`Governance` is the door. A change is a typed value (`changes`), so that a proposal outlives the process; it
is applied in the transaction of the vote that reaches the quorum.
"""

from __future__ import annotations

from pharos.governance.changes import CHANGES, Change
from pharos.governance.rules import Governance

__all__ = ["CHANGES", "Change", "Governance"]
