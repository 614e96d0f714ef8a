"""Places to get files from, one module each; more by the entry point group ``mediasync.download_sources``."""
