"""Sources of playlists, one module each; people add more by the entry point group ``mediasync.playlist_sources``."""
