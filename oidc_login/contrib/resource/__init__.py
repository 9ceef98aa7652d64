"""OAuth 2.0 Protected Resource Metadata (RFC 9728): tells clients who issues tokens for this API."""
