"""OAuth 2.0 Protected Resource Metadata (RFC 9728): clients find out who issues the tokens of this API."""
