"""YAML files whose every fault is named with its place."""
