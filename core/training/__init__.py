"""Training: one loop, the losses, presets, checkpoints and the evaluation on held-out wells."""
