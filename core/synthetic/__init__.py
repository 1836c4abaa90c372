"""Synthetic cultures, plates and screens with known counterfactuals."""
