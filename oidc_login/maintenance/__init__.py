"""The services of commands for operators: key rotation, moving identities, and linking."""
