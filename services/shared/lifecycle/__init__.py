"""How a service process starts, says that it serves, and stops as a whole."""
