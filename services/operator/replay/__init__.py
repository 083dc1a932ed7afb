"""Replays records of topics: into another topic or another cluster, and nowhere else.

Nothing here knows a channel that reaches people, nor a service; an import contract keeps it so.
"""
