"""What the feeds of Google Drive share: names as the mount shows them, paths from parents, roots."""
