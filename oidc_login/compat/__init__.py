"""The URLs of other packages, one module each: old addresses go on working, and nothing is registered anew.

A site includes the module at the path where it included the other package, and writes `"callback"` into the entries.
"""
