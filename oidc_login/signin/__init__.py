"""One sign-in, as functions over values: exchange, verify, admit, resolve, write."""
