"""What must follow in one app from something in another that may not import it: one line each."""
