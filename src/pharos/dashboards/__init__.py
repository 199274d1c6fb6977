"""Dashboards: Grafana's JSON, kept as it is, read as one modern model, and answered.

`document` reads what people bring; `classic` and `second` make the `model` of it, whatever its age (`modern`
migrates panels of older versions); `variables`, `references` and `expand` say what stands in it for a reader;
`answer` asks all that its panels ask. `store` knows which dashboards there are, and who may what.
"""
