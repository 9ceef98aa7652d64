"""A pending flow, from the authorization request to the response: its value, cookie, memory and redirects."""
