"""What a check's tool reports: bytes -> single results, bounded, whatever the bytes are."""
