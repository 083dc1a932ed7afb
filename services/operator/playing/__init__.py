"""Plays a case through the public gRPC API, as the people in it would."""
