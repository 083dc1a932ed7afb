"""How loops that live as long as their process wait and are ended."""
