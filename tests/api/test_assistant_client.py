"""The official client of the Model Context Protocol, beside the tests that speak it by hand."""

from __future__ import annotations

import json

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent


async def test_the_official_client_finds_and_calls_the_tools(pharos_url: str) -> None:
    async with streamable_http_client(f"{pharos_url}/mcp") as streams, ClientSession(*streams[:2]) as session:
        begun = await session.initialize()
        assert (begun.server_info.name, begun.protocol_version) == ("pharos", "2025-11-25")
        tools = (await session.list_tools()).tools
        assert "search_logs" in {one.name for one in tools}
        found = await session.call_tool("query_metrics", {"query": "vector(42)"})
        assert not found.is_error
        (content,) = found.content
        assert isinstance(content, TextContent)
        assert json.loads(content.text)["data"]["result"][0]["value"][1] == "42"
        refused = await session.call_tool("query_metrics", {"query": "rate("})
        assert refused.is_error
