"""Synthetic cultures, plates and screens whose true counterfactual is known."""
