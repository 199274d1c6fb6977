"""The write-ahead log: a door that keeps bytes until the engine has them, and knows no protocol.

A segment is a load run: its name, which never repeats in a store's life, is the engine's deduplication token.
"""

from pharos.wal.files import Files, OsFiles
from pharos.wal.format import Buffer, Frame
from pharos.wal.log import Wal, WalOptions
from pharos.wal.recovery import Damage, Recovery

__all__ = [
    "Buffer",
    "Damage",
    "Files",
    "Frame",
    "OsFiles",
    "Recovery",
    "Wal",
    "WalOptions",
]
