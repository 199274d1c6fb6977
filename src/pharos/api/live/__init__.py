"""The live feed over HTTP: the WebSocket, its twin of server-sent events, and what is asked beside it."""
