"""Updates on demand, by the name of a library or of a film or episode (docs/on-demand.md)."""
