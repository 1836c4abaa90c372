"""Move an image toward another condition, calibrate the strength, and measure the inverse."""
