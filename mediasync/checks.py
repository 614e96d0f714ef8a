"""System checks: what would be unsafe together refuses to start."""
