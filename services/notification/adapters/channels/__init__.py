"""Channels: each sends a `Parcel` by one means. Which of them a site has stands in its channels file."""
