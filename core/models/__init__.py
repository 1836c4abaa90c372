"""The networks, and the solver that inverts the i-ResNet."""
