"""HTTP with a provider: bounded in time and size, and only to where it may go."""
