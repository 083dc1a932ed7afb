"""Personal data that is kept encrypted: AES-256-GCM with keys of a file, rotated by order."""
