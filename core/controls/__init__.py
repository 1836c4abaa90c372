"""Controls on a lab's own wells: a planted change must be recovered, shuffled labels must teach nothing."""
