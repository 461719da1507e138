"""Photos, the crops drawn from them, and measures of both."""
