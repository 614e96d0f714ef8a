"""Plex data folders made for tests: with a database that fails where a real one fails, and every kind of file."""
