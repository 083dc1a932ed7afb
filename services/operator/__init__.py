"""The `tierlink` program: the operator's side of Tierlink.

It reaches the services by gRPC only, and starts them as processes of their own.
"""
