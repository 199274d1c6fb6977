"""All that is answered over gRPC: OTLP, Jaeger's collector and its query service, at every address."""

from __future__ import annotations

from pharos.api.grpc.doors import GrpcDoors
from pharos.api.grpc.server import GrpcOptions, GrpcServer
from pharos.api.jaeger.rpc import query_methods
from pharos.api.receivers.jaeger_grpc import jaeger_methods
from pharos.api.receivers.otlp_grpc import otlp_methods


def server_of(doors: GrpcDoors, options: GrpcOptions) -> GrpcServer:
    """Return the server of all services, to be told to listen."""
    methods = [
        *otlp_methods(doors.metrics, doors.events),
        *jaeger_methods(doors.spans, doors.strategies),
        *query_methods(doors.traces),
    ]
    return GrpcServer(doors.bodies, doors.identify, methods, options)
