"""Plex's data folder as it is: where it lies, what its files and columns mean, and how it is read and changed safely.

Plain Python without Django; facts are of the project's reference on the clean-up and of the framework's source.
"""
