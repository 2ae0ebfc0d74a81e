"""What the network is trained for: LightningModules with their losses and metrics."""
