"""Tenants: which there are, what may be done with each, how one is deleted, and what each uses.

The rows stand in `state`; here is what a running server makes of them. Nothing here knows a protocol.
"""
