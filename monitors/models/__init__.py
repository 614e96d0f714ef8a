"""Watched roots, the snapshot of what lies in them, what changed, and where news of changes comes from."""

from .hints import Hint
from .library import Change, Directory, File, Root
from .sources import Account, DriveItem, FeedState, Hook, HotFolder, Payload, WatchLease

__all__ = [
    "Account",
    "Change",
    "Directory",
    "DriveItem",
    "FeedState",
    "File",
    "Hint",
    "Hook",
    "HotFolder",
    "Payload",
    "Root",
    "WatchLease",
]
