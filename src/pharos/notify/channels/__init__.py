"""One channel a file, each a way of telling one kind of receiver; `open_channel` is the door to all."""

from pharos.notify.channels.table import CHANNELS, open_channel

__all__ = ("CHANNELS", "open_channel")
