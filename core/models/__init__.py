"""Networks and the solver that inverts them. torch only; no files."""
