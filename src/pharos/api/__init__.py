"""The edge: decode, ask one thing of the layers below, encode.

`app` builds the routes. `http` is what all of them stand on (connections, bodies, forms, errors),
`prometheus` is Prometheus' API, `native` Pharos' own, `receivers` take what senders push.
"""
