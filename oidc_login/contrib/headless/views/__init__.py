"""The endpoints: each parses the request, calls one service and responds."""
