"""What Pharos knows, as tools of the Model Context Protocol (modelcontextprotocol.io)."""
