"""Training tasks: LightningModules with their losses and metrics."""
