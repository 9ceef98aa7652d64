"""Sign-in for front ends and phones: a JSON API for the services that the pages use."""
