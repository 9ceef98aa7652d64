"""Migration from another package: the accounts, the settings and the record of what was written.

Only the commands import this. Each supported package is one file in `sources`, with its tables and settings as data,
and its special cases.
"""
