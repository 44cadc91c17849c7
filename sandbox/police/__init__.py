"""The traffic police's own system: vehicles, licences, violations, decisions and what was paid."""
