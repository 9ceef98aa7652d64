"""Sign-in for front ends and phones: JSON over the services that the pages use."""
