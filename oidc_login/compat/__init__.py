"""The URLs of other packages, one module each, so that old addresses and registered callback URLs keep working.

Include the module at the path where the other package was included, and set `"callback"` in the entries.
"""
