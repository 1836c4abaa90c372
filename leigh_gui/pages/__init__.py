"""One page per question a biologist asks: start, data, train, explore, figure."""
