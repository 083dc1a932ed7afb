"""Pure values that every service shares: actors, commands' context, refusals, ids, the hash chain, texts.

Nothing here does IO, reads a clock or draws a random number.
"""
