"""What every command RPC does alike: context from the call, request id, use case, reply."""
