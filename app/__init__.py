"""The backend of a citizen super-app: one identity, one payment platform, one service entry."""
