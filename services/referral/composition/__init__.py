"""Programs of this service beside the service itself, each put together from the same parts."""
