"""Search languages: what people and other products type, read into one tree of conditions.

`tree` is what lines, spans and runs must meet; parsers stand beside it. Nothing here knows SQL: what a tree
means for a store is `query/events`' business.
"""
