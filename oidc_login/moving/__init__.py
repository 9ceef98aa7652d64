"""Moving in from another package: the accounts, the settings and the record of what was written.

Nothing else in the package imports this, except the commands that run it. A package to move from is one file in
`sources`: its tables and settings as data, and what is special about it.
"""
