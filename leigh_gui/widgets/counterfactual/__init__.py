"""The parts that show a counterfactual and its evidence."""
