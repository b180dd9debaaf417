"""Pages for a browser: one file each, that needs nothing else and lets nothing be fetched."""
