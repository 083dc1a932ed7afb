"""Verification of hash chains: what was stored is what was written, and the state is its fold."""
