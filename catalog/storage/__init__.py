"""Places to keep files in, one module each; more by the entry point group ``mediasync.storage_backends``."""
