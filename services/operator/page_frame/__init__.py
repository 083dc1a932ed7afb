"""What pages that carry everything inside have in common."""
