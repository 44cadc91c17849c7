"""What integrators are told, and how surely: signed events, sent and kept to be fetched."""
