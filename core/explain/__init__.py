"""Latents, maps and counterfactuals of a trained model."""
