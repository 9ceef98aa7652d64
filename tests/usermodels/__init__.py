"""User models as sites have them, and what a sign-up makes of each."""
