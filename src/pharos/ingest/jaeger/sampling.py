"""Head sampling: which share of new traces Jaeger's clients and OpenTelemetry's remote samplers keep.

The file of strategies is Jaeger's own (its documentation: Sampling, file-based configuration), the answer is
`SamplingStrategyResponse` of sampling.thrift in JSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pharos.errors import Kind, PharosError

_LONGEST_BYTES: Final = 1 << 20
_KEEP_ALL: Final = 1.0
_INT32_MAX: Final = (1 << 31) - 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Strategy(_Part):
    type: Literal["probabilistic", "ratelimiting"] = "probabilistic"
    param: Annotated[float, Field(ge=0, le=_INT32_MAX, allow_inf_nan=False)] = _KEEP_ALL

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.type == "probabilistic" and self.param > 1:
            raise ValueError(f"param {self.param} is no probability: it must lie between 0 and 1")
        return self


class _OperationStrategy(_Strategy):
    operation: str


class _ServiceStrategy(_Strategy):
    operation_strategies: tuple[_OperationStrategy, ...] = ()


class _NamedStrategy(_ServiceStrategy):
    service: str


class Strategies(_Part):
    """Which share of traces each service keeps; without a word of it, all of them."""

    default_strategy: _ServiceStrategy = _ServiceStrategy()
    service_strategies: tuple[_NamedStrategy, ...] = ()

    def answer(self, service: str) -> dict[str, Any]:
        """Return what a client of a service is told."""
        default = self.default_strategy
        named = next((one for one in self.service_strategies if one.service == service), None)
        found: _ServiceStrategy = default if named is None else named
        operations = {one.operation: one for one in default.operation_strategies}
        operations.update((one.operation, one) for one in found.operation_strategies)
        said = _said(found)
        if operations:
            base = found.param if found.type == "probabilistic" else default.param
            said["operationSampling"] = {
                "defaultSamplingProbability": base if base <= 1 else _KEEP_ALL,
                "defaultLowerBoundTracesPerSecond": 0,
                "perOperationStrategies": [
                    {"operation": name, "probabilisticSampling": {"samplingRate": one.param}}
                    for name, one in operations.items()
                    # As Jaeger: by operation only a share can be told.
                    if one.type == "probabilistic"
                ],
            }
        return said


def _said(strategy: _Strategy) -> dict[str, Any]:
    if strategy.type == "ratelimiting":
        return {
            "strategyType": "RATE_LIMITING",
            "rateLimitingSampling": {"maxTracesPerSecond": round(strategy.param)},
        }
    return {"strategyType": "PROBABILISTIC", "probabilisticSampling": {"samplingRate": strategy.param}}


def read_strategies(path: Path | None) -> Strategies:
    """Return the strategies of a file; those of none keep everything.

    Raises PharosError(INVALID) that names the file and what is wrong in it.
    """
    if path is None:
        return Strategies()
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST_BYTES + 1)
    except OSError as exc:
        raise PharosError(
            Kind.INVALID,
            f"sampling strategies {path}: {exc.strerror}",
            hint="the setting `sampling.strategies` names the file",
        ) from exc
    if len(text) > _LONGEST_BYTES:
        raise PharosError(Kind.INVALID, f"sampling strategies {path}: more than {_LONGEST_BYTES} bytes")
    try:
        return Strategies.model_validate_json(text)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise PharosError(Kind.INVALID, f"sampling strategies {path}: {where}: {first['msg']}") from exc
