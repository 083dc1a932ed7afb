"""gRPC as every service uses it: credentials, one error table, methods, the server and its life.

A service's `main` builds a `TokenVerifier`, an `Admission`, an `RpcRuntime`, a `service_handler` for each of
its services, and one `RpcServer`.
"""
