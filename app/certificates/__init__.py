"""Electronic certificates (电子证照): numbered, held by a citizen, believed by whoever checks."""
