"""A secure gateway for letters and notices between Danish municipalities and educational institutions."""
