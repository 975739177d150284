"""The demonstration: an installation of its own on loopback, two case systems, one letter there and one notice back."""
