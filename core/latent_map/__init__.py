"""The 2-D map of the latents: projection, decision regions, drag target, trajectory."""
