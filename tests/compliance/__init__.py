"""The WebSocket conformance of the server, measured by the original Autobahn test suite."""
