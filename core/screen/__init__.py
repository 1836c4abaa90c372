"""Which drug heals: wells placed between diseased and healthy, treatments ranked with what is known of the noise."""
