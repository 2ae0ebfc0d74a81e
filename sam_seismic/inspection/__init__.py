"""What `inspect` reports about a volume, configuration or checkpoint; other commands use it for checks at the start."""
