"""Optional integrations and applications. Some modules need an extra."""
