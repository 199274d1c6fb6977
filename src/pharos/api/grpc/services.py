"""All that is answered over gRPC: OTLP, Jaeger's collector and its query service, at every address."""

from __future__ import annotations

from pharos.api.grpc.doors import GrpcDoors
from pharos.api.grpc.methods import Method, StreamedMethod
from pharos.api.grpc.server import GrpcOptions, GrpcServer
from pharos.api.jaeger.rpc import query_methods
from pharos.api.receivers.jaeger_grpc import jaeger_methods
from pharos.api.receivers.otlp_grpc import otlp_methods


def methods_of(doors: GrpcDoors) -> list[Method | StreamedMethod]:
    """Return the methods of all services."""
    return [
        *otlp_methods(doors.metrics, doors.events),
        *jaeger_methods(doors.spans, doors.strategies),
        *query_methods(doors.traces),
    ]


def server_of(doors: GrpcDoors, options: GrpcOptions) -> GrpcServer:
    """Return the server of all services, to be told to listen."""
    return GrpcServer(doors.bodies, doors.identify, methods_of(doors), options)
