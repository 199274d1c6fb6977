"""Compile every kernel for all processors of this one's family: `python -m pharos.warm.shipping FOLDER`.

The files are for a wheel, where they stand in `compiled/shipped`; whoever builds it calls this.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pharos.compiled.kernel import KEPT_IN
from pharos.config import process_environment
from pharos.warm.signatures import Signature, read_signatures
from pharos.warm.warming import Warming, compile_missing


def ship(folder: Path) -> list[Path]:
    """Return the files with the code of all kernels, those that were not in `folder` yet compiled.

    What else lies there, as of kernels that were edited since, is removed. Raises ValueError where no family
    of processors is known, and RuntimeError when not everything could be compiled.
    """
    signatures = read_signatures()
    kept_in = folder / KEPT_IN

    def file_of(signature: Signature) -> Path:
        return kept_in / signature.find().family_file_name(signature.arguments)

    family = signatures[0].find().family
    if family is None:
        raise ValueError("no family of processors is known that this one belongs to")
    warming = Warming(signatures, lambda one: file_of(one).exists())
    environment = {**process_environment(), **family.environment, "NUMBA_CACHE_DIR": str(folder)}
    asyncio.run(compile_missing(warming, gives_way=False, environment=environment))
    wanted = {file_of(one) for one in signatures}
    lacking = [file.name for file in wanted if not file.exists()]
    if lacking:
        raise RuntimeError(f"{len(lacking)} kernels were not compiled, {lacking[0]} among them")
    for file in set(kept_in.iterdir()) - wanted:
        file.unlink()
    return sorted(wanted)


if __name__ == "__main__":
    sys.exit(0 if ship(Path(sys.argv[1]).resolve()) else 1)
