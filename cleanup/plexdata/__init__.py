"""Plex's own data folder and its database, in plain Python: what is where, what is in use, and how to write safely."""
