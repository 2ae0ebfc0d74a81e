"""What `inspect` tells of a volume, a configuration or a checkpoint; other commands ask it before they start."""
