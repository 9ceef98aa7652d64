"""Commands' walks over all stored tokens: rotating keys, and moving identities to another issuer."""
