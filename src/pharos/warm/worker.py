"""A process that compiles kernels for others: `python -m pharos.warm.worker`.

It reads numbers of signatures, one a line, compiles each unless it is on disk by then, and answers with the
number. A line `nice` makes it give way to everybody from then on. It ends when its input does, so it does
not outlive the server that started it. Compiling holds the interpreter's lock: here it is nobody else's.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TextIO

from pharos.warm.signatures import read_signatures

NICE = "nice"


def work(orders: TextIO, answers: TextIO) -> None:
    """Compile what is ordered until there are no more orders."""
    signatures = read_signatures()
    for line in orders:
        order = line.strip()
        if order == NICE:
            os.nice(10)
            continue
        signature = signatures[int(order)]
        signature.find().compile(signature.arguments)
        answers.write(f"{order}\n")
        answers.flush()


if __name__ == "__main__":
    # Ctrl-C reaches every process of the terminal; the server ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the compiler makes is needed for as long as the process lives.
    gc.disable()
    work(sys.stdin, sys.stdout)
