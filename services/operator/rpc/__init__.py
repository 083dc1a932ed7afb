"""The public gRPC API as a client meets it: methods by name, plain values, calls that come back."""
