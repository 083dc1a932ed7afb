"""Due deadlines run ordinary commands, each once, whichever process notices them."""
