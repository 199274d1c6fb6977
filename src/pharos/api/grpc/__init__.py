"""gRPC: which methods are answered, and how: who is let in, what is read, what is told of a failure."""
