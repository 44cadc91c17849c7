"""The tests: one folder per room, `journeys` for stories, `architecture` for rules."""
