"""The gRPC services: requests in, resources out."""
