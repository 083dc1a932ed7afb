"""The page of a run: ratios against their targets, latencies, growth and memory."""
