"""HTTP requests to providers, limited in time, size and destination."""
