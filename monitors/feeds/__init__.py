"""Where hints come from by themselves."""
