"""A pending flow: from the authorization request to the response."""
