"""Logs, metrics, traces and the operations endpoint of a process: one mechanism for every service."""
