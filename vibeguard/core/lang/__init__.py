"""Small languages that know no check."""
