"""What somebody proves who they are with: passwords, passkeys, recovery codes, one-time codes."""
