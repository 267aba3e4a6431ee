"""What the graph was worth: baselines, the demo's tables, reports."""
